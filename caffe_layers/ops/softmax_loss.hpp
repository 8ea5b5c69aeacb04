// Softmax with cross entropy: the loss of a classification, as stock Caffe defines it.
//
//   forward:   prob     = softmax of src (ops/softmax.hpp)
//              loss[0]  = sum over positions p of -log(max(prob[label[p]][p], FLT_MIN)) / divisor
//   backward:  diff_src = (prob - 1 at each position's label, 0 elsewhere) * weight[0] / divisor, and 0 at ignored positions
//
// src, prob, diff_src float [outer][classes][inner]; labels float [outer][inner], cut to whole numbers; loss, weight one float each. The
// divisor is a given number, or the positions that are not ignored, at least 1. A label that is no class, and not the
// ignored one, makes the loss and its position's gradient NaN (stock Caffe reads memory of others there). Every call enqueues and returns.
#ifndef BARISTA_OPS_SOFTMAX_LOSS_HPP_
#define BARISTA_OPS_SOFTMAX_LOSS_HPP_

#include <optional>

#include "device/program.hpp"
#include "ops/class_axis.hpp"
#include "ops/loss.hpp"

namespace barista::ops {

class SoftmaxLoss {
 public:
  // Without `divisor`, it is the number of positions that are not ignored. Throws plan::Unsupported for an axis without elements.
  SoftmaxLoss(device::Program& program, const ClassAxis& axis, IgnoredLabel ignored, std::optional<float> divisor);

  // Overwrites prob and loss.
  void forward(const device::Buffer& src, const device::Buffer& labels, device::Buffer& prob, device::Buffer& loss);
  // Overwrites diff_src. Divides by what the last forward() divided by.
  void backward(const device::Buffer& prob, const device::Buffer& labels, const device::Buffer& weight, device::Buffer& diff_src);

 private:
  device::Program& program_;
  ClassAxis axis_;
  plan::GroupsPass forward_;
  plan::ClassRowsPass backward_;
  IgnoredLabel ignored_;
  LossSum sum_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_SOFTMAX_LOSS_HPP_
