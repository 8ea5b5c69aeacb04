// The kernels of a Program. For device/ alone; used with the device's lock held.
#ifndef BARISTA_DEVICE_PROGRAM_STATE_HPP_
#define BARISTA_DEVICE_PROGRAM_STATE_HPP_

#include <cstddef>
#include <string>
#include <unordered_map>

#include "device/bitstream.hpp"
#include "device/device.hpp"
#include "device/launch.hpp"
#include "device/opencl.hpp"

namespace barista::device {

struct Kernel {
  KernelHandle handle;
  cl_uint arguments = 0;
};

struct ProgramState {
  ProgramState(Device& device, const Bitstream& bitstream) : device(device), bitstream(bitstream) {}

  Device& device;
  Bitstream bitstream;
  ProgramHandle program;
  std::unordered_map<std::string, Kernel> kernels;

  // The kernel of a launch. Throws device::Error where there is none, or not with such arguments or on such a unit.
  const Kernel& require(const Launch& launch) const;
  // The same, its arguments set.
  cl_kernel with_arguments(const Launch& launch) const;

 private:
  void set_argument(const Launch& launch, cl_kernel kernel, std::size_t index) const;
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_PROGRAM_STATE_HPP_
