#include "ops/softmax_loss.hpp"

#include "interface/class_axis.h"
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
  const int units = launch_on_groups(manager_, axis_, "softmax_forward_",
                                     {Argument::in(src), Argument::in(labels), Argument::out(prob), Argument::out(sum_.parts()),
                                      Argument::value(axis_), Argument::value(rule_of(ignored_))});
  sum_.finish(units, loss);
}

void SoftmaxLoss::backward(const device::Buffer& prob, const device::Buffer& labels, const device::Buffer& weight,
                           device::Buffer& diff_src) {
  const bool class_a_word = axis_.inner == 1;
  const auto from = [&](const UnitRange& rows) {
    if (class_a_word) return class_rows{rows.begin, rows.end, 0, rows.begin * axis_.classes, rows.begin};
    return class_rows{rows.begin, rows.end, rows.begin % axis_.classes, rows.begin * axis_.inner,
                      rows.begin / axis_.classes * axis_.inner};
  };
  launch_on_units(manager_, "softmax_loss_backward_",
                  {Argument::in(prob), Argument::in(labels), Argument::in(weight), Argument::in(sum_.divisor()),
                   Argument::out(diff_src), Argument::value(axis_), Argument::value(rule_of(ignored_))},
                  class_a_word ? axis_.outer : axis_.outer * axis_.classes, 2 * kFloatsWorthALaunch, from);
}

}  // namespace barista::ops
