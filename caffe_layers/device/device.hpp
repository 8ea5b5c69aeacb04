// One OpenCL device: its context, its queues and its buffers. Programs run on it (device/program.hpp) and share both.
//
// There is an in-order queue for each compute unit of its programs, and two for transfers. Commands are ordered by what each reads and
// writes, so a caller never handles an event: commands on different queues that touch the same buffer wait for each other on the device,
// all others overlap. Nothing here waits for the device except download(), finish() and the end of upload()'s copy out of the caller's
// memory.
//
// Any thread may call; one lock orders the calls. Errors are device::Error, one sentence each. A child that a process forks after the
// device was opened must not use it: OpenCL runtimes have threads, which fork() leaves behind.
#ifndef BARISTA_DEVICE_DEVICE_HPP_
#define BARISTA_DEVICE_DEVICE_HPP_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "device/bitstream.hpp"
#include "device/buffer.hpp"
#include "device/command.hpp"
#include "device/counters.hpp"

namespace barista::device {

struct DeviceState;

class Device {
 public:
  // The device that `bitstream` was built for: number `index`, counting from 0, where several are equal. Throws device::Error where there is
  // none.
  explicit Device(const Bitstream& bitstream, int index = 0);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  std::string name() const;
  // Whether it is a device of the kind that `bitstream` was built for.
  bool takes(const Bitstream& bitstream) const;

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
  // Sets the first `bytes` of `buffer` to zero bytes, without waiting.
  void zero(Buffer& buffer, std::size_t bytes);
  // True where all of `buffer`, of exactly `bytes`, was set to zero and is unused since. The caller then writes all of it, and need neither
  // write the zeros nor read them: gradients are cleared in every step, only to be added to once.
  bool take_zero(Buffer& buffer, std::size_t bytes);

  // Waits until the device has done all that was asked of it.
  void finish();

  Counters counters() const;

  // Between these two the times of every command are kept. Both wait for the device. Recording anew forgets what was recorded.
  void begin_recording();
  std::vector<Command> end_recording();
  // How many commands were recorded so far: 0 where none are.
  std::size_t recorded() const;

 private:
  friend class Program;
  std::unique_ptr<DeviceState> state_;
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_DEVICE_HPP_
