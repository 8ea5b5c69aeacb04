// What a Buffer, and every Argument made of it, refers to. For device/ alone.
#ifndef BARISTA_DEVICE_BUFFER_STATE_HPP_
#define BARISTA_DEVICE_BUFFER_STATE_HPP_

#include <cstddef>
#include <utility>

#include "device/opencl.hpp"
#include "device/order.hpp"

namespace barista::device {

class Device;

struct BufferState {
  BufferState(Device& device, MemoryHandle memory, std::size_t bytes) : device(device), memory(std::move(memory)), bytes(bytes) {}

  Device& device;
  MemoryHandle memory;
  std::size_t bytes;
  History history;
  bool zero = false;  // it stands for zeros that were not written yet
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_BUFFER_STATE_HPP_
