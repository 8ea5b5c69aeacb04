#include "ops/softmax_loss.hpp"

#include "../../opencl_kernels/class_axis.h"
#include "ops/units.hpp"

namespace barista::ops {

using device::Argument;

namespace {
label_rule rule_of(IgnoredLabel ignored) { return {1, ignored.has_value(), ignored.value_or(0)}; }
}  // namespace

SoftmaxLoss::SoftmaxLoss(device::DeviceManager& manager, const ClassAxis& axis, IgnoredLabel ignored, std::optional<float> divisor)
    : manager_(manager), axis_(axis), ignored_(ignored), sum_(manager, divisor) {
  validate(axis, "softmax with loss");
}

void SoftmaxLoss::forward(const device::Buffer& src, const device::Buffer& labels, device::Buffer& prob, device::Buffer& loss) {
  const int units = launch_on_units(manager_, "softmax_forward_",
                                    {Argument::in(src), Argument::in(labels), Argument::out(prob), Argument::out(sum_.parts()),
                                     Argument::value(axis_), Argument::value(rule_of(ignored_))},
                                    lane_groups(axis_));
  sum_.finish(units, loss);
}

void SoftmaxLoss::backward(const device::Buffer& prob, const device::Buffer& labels, const device::Buffer& weight,
                           device::Buffer& diff_src) {
  const int rows = axis_.inner == 1 ? axis_.outer : axis_.outer * axis_.classes;
  launch_on_units(manager_, "softmax_loss_backward_",
                  {Argument::in(prob), Argument::in(labels), Argument::in(weight), Argument::in(sum_.divisor()),
                   Argument::out(diff_src), Argument::value(axis_), Argument::value(rule_of(ignored_))},
                  rows);
}

}  // namespace barista::ops
