// One OpenCL device, the bitstream it runs, its queues and its buffers.
//
// A DeviceManager owns context, program, kernels and queues: one in-order queue a compute unit, and one for transfers. It orders
// work by what each command reads and writes, so a caller never handles an event: commands on different queues that touch the same
// buffer wait for each other on the device, all others overlap. Nothing here waits for the device except download(), finish() and
// the end of upload()'s copy out of the caller's memory.
//
// Any thread may call; one lock orders the calls. Errors are device::Error, one sentence each. A child that a process forks after the
// device was opened must not use it: OpenCL runtimes have threads, which fork() leaves behind.
#ifndef BARISTA_DEVICE_DEVICE_MANAGER_HPP_
#define BARISTA_DEVICE_DEVICE_MANAGER_HPP_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "device/bitstream.hpp"

namespace barista::device {

class DeviceManager;

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
  explicit operator bool() const { return impl_ != nullptr; }

 private:
  friend class DeviceManager;
  friend class Argument;
  struct Impl;
  explicit Buffer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

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
  // What value() was given.
  template <typename T>
  T as() const {
    T pod;
    if (value_.size() != sizeof pod)
      throw Error("argument of " + std::to_string(value_.size()) + " bytes: it is read as " + std::to_string(sizeof pod));
    std::memcpy(&pod, value_.data(), sizeof pod);
    return pod;
  }

 private:
  friend class DeviceManager;
  enum class Use { kValue, kRead, kWrite, kReadWrite };
  Argument(Use use, std::shared_ptr<Buffer::Impl> buffer);
  explicit Argument(std::vector<unsigned char> value);
  Use use_;
  std::shared_ptr<Buffer::Impl> buffer_;
  std::vector<unsigned char> value_;
};

// One run of a single work-item kernel on the queue of compute unit `unit` (0 .. recipe().compute_units - 1).
struct Launch {
  std::string kernel;
  int unit;
  std::vector<Argument> arguments;
};

// What a process did on its device so far; differences of two of these measure a step.
struct Counters {
  std::uint64_t launches = 0;  // those that are held back among them
  std::uint64_t buffers_created = 0;
  std::uint64_t uploads = 0;
  std::uint64_t upload_bytes = 0;
  std::uint64_t downloads = 0;
  std::uint64_t download_bytes = 0;
  std::uint64_t waits = 0;    // times that the host waited for the device
  std::uint64_t amended = 0;  // times that a group held back was altered
};

// A command that was recorded. Times are nanoseconds of the host's monotonic clock.
struct Command {
  std::string name;       // a kernel's, or upload, prefetch, download, zero
  std::size_t queue = 0;  // of a compute unit, by its number; then that of uploads, then that of downloads
  std::uint64_t bytes = 0;
  std::int64_t enqueued = 0, began = 0, ended = 0;
};

class DeviceManager {
 public:
  // The process's device, opened on first use: the bitstream that BARISTA_BITSTREAM names, on the device that its manifest names
  // (the one numbered BARISTA_DEVICE_INDEX, counting from 0, where several of that name are present).
  static DeviceManager& instance();

  // Loads `bitstream`, which must have been built for a device that is present. Throws device::Error.
  explicit DeviceManager(const Bitstream& bitstream, int device_index = 0);
  ~DeviceManager();
  DeviceManager(const DeviceManager&) = delete;
  DeviceManager& operator=(const DeviceManager&) = delete;

  const Recipe& recipe() const;
  const Bitstream& bitstream() const;
  std::string device_name() const;

  // Uninitialised device memory of `bytes` > 0.
  Buffer allocate(std::size_t bytes);
  // A few bytes, for arguments that a kernel does not read. Anything larger may be too large for a __constant one.
  const Buffer& unused() const;
  // Copies `bytes` from host memory of any alignment; the host memory may be changed once this returns. Recorded as prefetch where it is
  // `ahead` of who wants it.
  void upload(Buffer& buffer, const void* host, std::size_t bytes, bool ahead = false);
  // Waits for the commands that write `buffer`, then copies its first `bytes` to the host.
  void download(const Buffer& buffer, void* host, std::size_t bytes);
  // Sets all of `buffer` to zero bytes, without waiting. Nothing is written before a command needs it: see take_zero().
  void zero(Buffer& buffer);
  // True where `buffer` has exactly `bytes`, was set to zero and not been used since. The caller then writes all of it, and so need
  // neither write the zeros nor read them: gradients are cleared in every step, only to be added to once.
  bool take_zero(Buffer& buffer, std::size_t bytes);
  // The same for its first `bytes`.
  void zero(Buffer& buffer, std::size_t bytes);

  // Enqueues kernels that are independent of each other (they may write disjoint parts of one buffer), each after all earlier
  // commands that it depends on. Returns at once.
  void launch(const std::vector<Launch>& group);
  // The same, but the group is held back until something else is launched, or a command needs a buffer of it, or the host waits for the
  // device: so what follows on its results may yet be put into it.
  void launch_held(std::vector<Launch> group);
  // Lets `change` alter the group that is held back, where it writes `buffer`; false, and nothing called, where there is none. `change`
  // may launch what the group is to wait for; the buffers that it writes, and how many launches it is, stay. No other
  // thread may write what the group reads meanwhile. Returns what it returns.
  bool amend(const Buffer& buffer, const std::function<bool(std::vector<Launch>&)>& change);
  void finish();

  Counters counters() const;

  // Between these two the times of every command are kept. Both wait for the device. Recording anew forgets what was recorded.
  void begin_recording();
  std::vector<Command> end_recording();
  // How many commands were recorded so far: 0 where none are.
  std::size_t recorded() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_DEVICE_MANAGER_HPP_
