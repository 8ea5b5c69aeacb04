// What a process opens: what its environment names, and devices that stay open until it ends.
#ifndef BARISTA_DEVICE_PROCESS_HPP_
#define BARISTA_DEVICE_PROCESS_HPP_

#include <memory>
#include <string>

#include "device/device.hpp"

namespace barista::device {

struct NamedBitstream {
  std::string path;  // BARISTA_BITSTREAM
  int device_index =
      0;  // BARISTA_DEVICE_INDEX, counting from 0, where several devices are of the name that the bitstream was built for
};

// What the environment names. Throws device::Error where that is no bitstream or no number.
NamedBitstream named_by_environment();

// Keeps `device` until the process ends, and then waits for what it still does. Never destroyed: Caffe's own static objects may free their
// buffers after any destructor of ours.
Device& keep_open(std::unique_ptr<Device> device);

}  // namespace barista::device

#endif  // BARISTA_DEVICE_PROCESS_HPP_
