// Cross entropy of sigmoids with targets, as stock Caffe defines it.
//
//   forward:   sigmoid  = 1 / (1 + exp(-src))
//              loss[0]  = sum of log(1 + exp(-|src|)) - src * (target - (src >= 0 ? 1 : 0)) / divisor
//   backward:  diff_src = (sigmoid - target) * weight[0] / divisor, and 0 where target is ignored
//
// `count` floats in src, target, sigmoid and diff_src; loss and weight one float each. A target is ignored where, cut to a whole number,
// it is the ignored label. The divisor is a given number, or the targets that are not ignored, at least 1. Every call enqueues and
// returns.
#ifndef BARISTA_OPS_SIGMOID_CROSS_ENTROPY_LOSS_HPP_
#define BARISTA_OPS_SIGMOID_CROSS_ENTROPY_LOSS_HPP_

#include <optional>

#include "device/program.hpp"
#include "ops/class_axis.hpp"
#include "ops/loss.hpp"
#include "plan/losses.hpp"

namespace barista::ops {

class SigmoidCrossEntropyLoss {
 public:
  // Throws plan::Unsupported where `count` is less than 1.
  SigmoidCrossEntropyLoss(device::Program& program, int count, IgnoredLabel ignored, std::optional<float> divisor);

  // Overwrites sigmoid and loss.
  void forward(const device::Buffer& src, const device::Buffer& target, device::Buffer& sigmoid, device::Buffer& loss);
  // Overwrites diff_src. Divides by what the last forward() divided by.
  void backward(const device::Buffer& sigmoid, const device::Buffer& target, const device::Buffer& weight,
                device::Buffer& diff_src);

 private:
  device::Program& program_;
  plan::LossPlan plan_;
  int count_;
  IgnoredLabel ignored_;
  LossSum sum_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_SIGMOID_CROSS_ENTROPY_LOSS_HPP_
