// A kernel's run as data: its arguments, and the post-ops that may still be fused into it.
#ifndef BARISTA_DEVICE_LAUNCH_HPP_
#define BARISTA_DEVICE_LAUNCH_HPP_

#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "device/buffer.hpp"

namespace barista::device {

// One argument of a kernel. Which of read, write or both a kernel does to a buffer is said here and nowhere else.
class Argument {
 public:
  static Argument in(const Buffer& buffer);
  static Argument out(Buffer& buffer);
  static Argument inout(Buffer& buffer);
  template <typename T>
  static Argument value(const T& pod) {
    static_assert(std::is_trivially_copyable_v<T>, "a kernel takes plain data by value");
    const auto* bytes = reinterpret_cast<const unsigned char*>(&pod);
    return Argument(std::vector<unsigned char>(bytes, bytes + sizeof(T)));
  }
  // The same memory as the buffer that it was made of.
  Buffer buffer() const;
  bool is_of(const Buffer& buffer) const;

 private:
  friend struct DeviceState;
  friend struct ProgramState;
  enum class Use { kValue, kRead, kWrite, kReadWrite };
  Argument(Use use, std::shared_ptr<BufferState> buffer);
  explicit Argument(std::vector<unsigned char> value);
  bool is_value() const { return use_ == Use::kValue; }
  bool reads_only() const { return use_ == Use::kRead; }
  bool writes() const { return use_ == Use::kWrite || use_ == Use::kReadWrite; }

  Use use_;
  std::shared_ptr<BufferState> buffer_;
  std::vector<unsigned char> value_;
};

// One run of a single work-item kernel on the queue of compute unit `unit` (0 .. recipe().compute_units - 1).
struct Launch {
  std::string kernel;
  int unit;
  std::vector<Argument> arguments;
};

// What a kernel does to each number of channel c before it stores it: x * scale[c] + offset[c], and then max(x, 0). Each is optional.
struct PostOps {
  std::optional<Argument> scale;   // in(): a float a channel
  std::optional<Argument> offset;  // in(): a float a channel
  bool rectify = false;
};

// A group of launches into which post-ops can be fused until it is enqueued.
struct DeferredLaunch {
  // Makes the launches that write `dst` so. It is called anew when post-ops are fused, so it keeps no reference to what may be gone by
  // then; how many launches there are, and which buffers they write, does not change.
  using Make = std::function<std::vector<Launch>(const PostOps&, const Argument& dst)>;

  Argument dst;          // out(): [images][channels][...]
  int images, channels;  // of dst
  PostOps post_ops;
  Make launches;
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_LAUNCH_HPP_
