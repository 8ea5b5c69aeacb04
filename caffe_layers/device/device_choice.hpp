// Which of the machine's devices a bitstream runs on.
#ifndef BARISTA_DEVICE_DEVICE_CHOICE_HPP_
#define BARISTA_DEVICE_DEVICE_CHOICE_HPP_

#include <string>

#include "device/bitstream.hpp"
#include "device/opencl.hpp"

namespace barista::device {

struct PresentDevice {
  cl_device_id id;
  std::string platform;
  std::string name;
  std::string driver;
};

// The device that `bitstream` was built for, the one numbered `index` (from 0) where there are several. Throws Error where there is none,
// or where its driver is another.
PresentDevice choose(const Bitstream& bitstream, int index);

// Throws Error where `bitstream` was built for another device, or for another driver of it.
void require_built_for(const Bitstream& bitstream, const PresentDevice& device);

// The end of a sentence about `bitstream`: what to type.
std::string mend(const Bitstream& bitstream);

}  // namespace barista::device

#endif  // BARISTA_DEVICE_DEVICE_CHOICE_HPP_
