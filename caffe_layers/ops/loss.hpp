// What the losses share: the sums of the compute units, and the number that their total is divided by.
//
//   forward:   dst[0] = sum / divisor,  divisor = the number given, or else max(1, values that counted)
// The divisor stays on the device, for the backward pass.
#ifndef BARISTA_OPS_LOSS_HPP_
#define BARISTA_OPS_LOSS_HPP_

#include <optional>

#include "device/program.hpp"

namespace barista::ops {

class LossSum {
 public:
  // Without `divisor`, forward divides by the values that counted.
  LossSum(device::Program& program, std::optional<float> divisor);

  // What each unit found: the kernels write loss_part number `unit`.
  device::Buffer& parts() { return parts_; }
  // One float, once finish() has been called.
  const device::Buffer& divisor() const { return divisor_; }
  // Adds up the parts of the first `units` units and writes one float to dst.
  void finish(int units, device::Buffer& dst);

 private:
  device::Program& program_;
  float fixed_;  // 0: none
  device::Buffer parts_, divisor_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_LOSS_HPP_
