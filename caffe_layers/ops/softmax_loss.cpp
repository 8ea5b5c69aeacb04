#include "ops/softmax_loss.hpp"

#include "ops/launches.hpp"

namespace barista::ops {

using device::Argument;

SoftmaxLoss::SoftmaxLoss(device::Program& program, const ClassAxis& axis, IgnoredLabel ignored, std::optional<float> divisor)
    : program_(program), axis_(axis), ignored_(ignored), sum_(program, divisor) {
  plan::validate(axis, "softmax with loss");
  forward_ = plan::plan_softmax_forward(program.recipe(), axis, /*labels=*/true);
  backward_ = plan::plan_softmax_loss_backward(program.recipe(), axis);
}

void SoftmaxLoss::forward(const device::Buffer& src, const device::Buffer& labels, device::Buffer& prob, device::Buffer& loss) {
  launch(program_, "softmax_forward_",
         {Argument::in(src), Argument::in(labels), Argument::out(prob), Argument::out(sum_.parts()), Argument::value(axis_),
          Argument::value(rule_of(ignored_))},
         forward_.units);
  sum_.finish(static_cast<int>(forward_.units.size()), loss);
}

void SoftmaxLoss::backward(const device::Buffer& prob, const device::Buffer& labels, const device::Buffer& weight,
                           device::Buffer& diff_src) {
  launch(program_, "softmax_loss_backward_",
         {Argument::in(prob), Argument::in(labels), Argument::in(weight), Argument::in(sum_.divisor()), Argument::out(diff_src),
          Argument::value(axis_), Argument::value(rule_of(ignored_))},
         backward_.units);
}

}  // namespace barista::ops
