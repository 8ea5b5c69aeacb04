#include "ops/sigmoid_cross_entropy_loss.hpp"

#include "interface/class_axis.h"
#include "ops/units.hpp"

namespace barista::ops {

using device::Argument;

namespace {
label_rule rule_of(IgnoredLabel ignored) { return {1, ignored.has_value(), ignored.value_or(0)}; }
}  // namespace

SigmoidCrossEntropyLoss::SigmoidCrossEntropyLoss(device::DeviceManager& manager, int count, IgnoredLabel ignored,
                                                 std::optional<float> divisor)
    : manager_(manager), count_(count), ignored_(ignored), sum_(manager, divisor) {
  if (count < 1) throw device::Error("sigmoid cross entropy loss: there must be at least 1 value");
}

void SigmoidCrossEntropyLoss::forward(const device::Buffer& src, const device::Buffer& target, device::Buffer& sigmoid,
                                      device::Buffer& loss) {
  const int units = launch_on_units(manager_, "sigmoid_cross_entropy_loss_forward_",
                                    {Argument::in(src), Argument::in(target), Argument::out(sigmoid), Argument::out(sum_.parts()),
                                     Argument::value(rule_of(ignored_)), Argument::value(count_)},
                                    (count_ - 1) / manager_.recipe().lanes + 1);
  sum_.finish(units, loss);
}

void SigmoidCrossEntropyLoss::backward(const device::Buffer& sigmoid, const device::Buffer& target, const device::Buffer& weight,
                                       device::Buffer& diff_src) {
  launch_on_units(manager_, "sigmoid_cross_entropy_loss_backward_",
                  {Argument::in(sigmoid), Argument::in(target), Argument::in(weight), Argument::in(sum_.divisor()),
                   Argument::out(diff_src), Argument::value(rule_of(ignored_)), Argument::value(count_)},
                  (count_ - 1) / manager_.recipe().lanes + 1);
}

}  // namespace barista::ops
