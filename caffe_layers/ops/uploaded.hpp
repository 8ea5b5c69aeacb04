// Buffers that hold from the start what the host has made.
#ifndef BARISTA_OPS_UPLOADED_HPP_
#define BARISTA_OPS_UPLOADED_HPP_

#include <vector>

#include "device/program.hpp"

namespace barista::ops {

template <typename T>
device::Buffer uploaded(device::Program& program, const std::vector<T>& values) {
  device::Buffer buffer = program.device().allocate(sizeof(T) * values.size());
  program.device().upload(buffer, values.data(), sizeof(T) * values.size());
  return buffer;
}

// Columns and lanes that pad a tile stay zero. Uploaded, because oclgrind takes a filled buffer for uninitialised.
inline device::Buffer zeros(device::Program& program, std::size_t floats) { return uploaded(program, std::vector<float>(floats)); }

}  // namespace barista::ops

#endif  // BARISTA_OPS_UPLOADED_HPP_
