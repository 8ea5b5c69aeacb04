// A bitstream loaded on a device: its kernels, and what launches them.
//
// Several programs may live on one device. They share its buffers and its queues, and commands of different programs are ordered as those
// of one. An operation is made for a program, whose recipe its plan is for.
#ifndef BARISTA_DEVICE_PROGRAM_HPP_
#define BARISTA_DEVICE_PROGRAM_HPP_

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "device/bitstream.hpp"
#include "device/device.hpp"
#include "device/launch.hpp"

namespace barista::device {

struct ProgramState;

class Program {
 public:
  // Loads `bitstream` on `device`, which must be one that it was built for and outlive the program. Throws device::Error.
  Program(Device& device, const Bitstream& bitstream);
  // What was launched, deferred or not, runs all the same.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Device& device() const;
  const Recipe& recipe() const;
  // Without the binary, of which OpenCL has its own copy.
  const Bitstream& bitstream() const;

  // Enqueues kernels that are independent of each other (they may write disjoint parts of one buffer), each after all earlier
  // commands that it depends on. Returns at once.
  void launch(const std::vector<Launch>& group);
  // The same, but the group is enqueued only when something else is launched, a command needs a buffer of it, or the host waits for the
  // device: until then post-ops can be fused into it.
  void launch_deferred(DeferredLaunch launch);
  // Fuses post-ops into the deferred launch of this program that writes `dst`: those that `with` makes of the launch as it is, or none where
  // it returns none. False where nothing was fused; where no such launch writes `dst`, `with` is not called. It may launch what the deferred
  // launch is to wait for. No other thread may write what the deferred launch reads meanwhile.
  bool fuse(const Buffer& dst, const std::function<std::optional<PostOps>(const DeferredLaunch&)>& with);

 private:
  std::shared_ptr<ProgramState> state_;
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_PROGRAM_HPP_
