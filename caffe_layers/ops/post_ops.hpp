// Post-ops: what an operation would do in place on a result of the PE array, fused into the launch that makes it
// (docs/pe-array.md).
//
// This can be done while that launch is still deferred (device::Program::launch_deferred): whoever needs the result before has it
// enqueued, and then these functions are false and do nothing, and the operation runs by itself.
#ifndef BARISTA_OPS_POST_OPS_HPP_
#define BARISTA_OPS_POST_OPS_HPP_

#include <functional>
#include <optional>

#include "device/program.hpp"
#include "interface/multiply_descriptor.h"
#include "ops/channels.hpp"

namespace barista::ops {

// Post-ops as kernels take them, beside their operands. With `adds`, the kernel adds to what it finds.
multiply_store as_store(const device::PostOps& post_ops, bool adds = false);

// dst[i] = max(dst[i], 0)
bool fuse_rectify(device::Program& program, const device::Buffer& dst);

// dst[n][c][i] = (dst[n][c][i] - centre[c]) * scale[c] + shift[c]
//
// Several of these may be fused into one launch, each an object of its own with a fixed number of channels, as long as none rectifies
// before it.
class AffinePostOp {
 public:
  // `operands` is called where it can be done, and may launch what makes the numbers; its src, other and slope are left alone.
  bool fuse(device::Program& program, const ChannelShape& shape, const device::Buffer& dst,
            const std::function<ChannelAffine()>& operands);
  // Writes to `kept` what dst would hold without this one: the launch into which it was last fused is done again as it was. For who turns
  // out to need it, while what the launch reads is as it was then.
  void write_without(device::Program& program, device::Buffer& kept) const;

 private:
  device::Buffer scale_, offset_, zeros_;
  std::optional<device::DeferredLaunch> without_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_POST_OPS_HPP_
