// Memory of one device.
#ifndef BARISTA_DEVICE_BUFFER_HPP_
#define BARISTA_DEVICE_BUFFER_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace barista::device {

class Device;
struct BufferState;

// Device memory with the history that orders commands on it. Movable, not copyable; freed when destroyed (the device finishes the
// commands that use it first).
class Buffer {
 public:
  Buffer();  // no memory; bytes() == 0
  Buffer(Buffer&&) noexcept;
  Buffer& operator=(Buffer&&) noexcept;
  ~Buffer();

  std::size_t bytes() const;
  // Changes whenever a command that writes the buffer is enqueued, and differs between buffers: equal versions, equal contents.
  std::uint64_t version() const;
  // Whose memory it is. Throws device::Error where it has none.
  Device& device() const;
  explicit operator bool() const { return state_ != nullptr; }

 private:
  friend class Argument;
  friend class Device;
  explicit Buffer(std::shared_ptr<BufferState> state);
  std::shared_ptr<BufferState> state_;
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_BUFFER_HPP_
