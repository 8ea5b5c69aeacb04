#include "device/buffer.hpp"

#include <utility>

#include "device/buffer_state.hpp"

namespace barista::device {

Buffer::Buffer() = default;
Buffer::Buffer(std::shared_ptr<BufferState> state) : state_(std::move(state)) {}
Buffer::Buffer(Buffer&&) noexcept = default;
Buffer& Buffer::operator=(Buffer&&) noexcept = default;
// OpenCL keeps the memory until the commands that use it are done.
Buffer::~Buffer() = default;
std::size_t Buffer::bytes() const { return state_ ? state_->bytes : 0; }
std::uint64_t Buffer::version() const { return state_ ? state_->history.version.load() : 0; }

Device& Buffer::device() const {
  if (!state_) throw Error("a buffer without memory is on no device; allocate it first");
  return state_->device;
}

}  // namespace barista::device
