// Buffers that hold from the start what the host has made.
#ifndef BARISTA_OPS_UPLOADED_HPP_
#define BARISTA_OPS_UPLOADED_HPP_

#include <vector>

#include "device/device_manager.hpp"

namespace barista::ops {

template <typename T>
device::Buffer uploaded(device::DeviceManager& manager, const std::vector<T>& values) {
  device::Buffer buffer = manager.allocate(sizeof(T) * values.size());
  manager.upload(buffer, values.data(), sizeof(T) * values.size());
  return buffer;
}

// Columns and lanes that pad a tile stay zero. Uploaded, because oclgrind takes a filled buffer for uninitialised.
inline device::Buffer zeros(device::DeviceManager& manager, std::size_t floats) {
  return uploaded(manager, std::vector<float>(floats));
}

}  // namespace barista::ops

#endif  // BARISTA_OPS_UPLOADED_HPP_
