#include "ops/sigmoid_cross_entropy_loss.hpp"

#include "ops/launches.hpp"

namespace barista::ops {

using device::Argument;

SigmoidCrossEntropyLoss::SigmoidCrossEntropyLoss(device::Program& program, int count, IgnoredLabel ignored,
                                                 std::optional<float> divisor)
    : program_(program),
      plan_(plan::plan_sigmoid_cross_entropy_loss(program.recipe(), count)),
      count_(count),
      ignored_(ignored),
      sum_(program, divisor) {}

void SigmoidCrossEntropyLoss::forward(const device::Buffer& src, const device::Buffer& target, device::Buffer& sigmoid,
                                      device::Buffer& loss) {
  launch(program_, "sigmoid_cross_entropy_loss_forward_",
         {Argument::in(src), Argument::in(target), Argument::out(sigmoid), Argument::out(sum_.parts()),
          Argument::value(rule_of(ignored_)), Argument::value(count_)},
         plan_.forward.units);
  sum_.finish(static_cast<int>(plan_.forward.units.size()), loss);
}

void SigmoidCrossEntropyLoss::backward(const device::Buffer& sigmoid, const device::Buffer& target, const device::Buffer& weight,
                                       device::Buffer& diff_src) {
  launch(program_, "sigmoid_cross_entropy_loss_backward_",
         {Argument::in(sigmoid), Argument::in(target), Argument::in(weight), Argument::in(sum_.divisor()), Argument::out(diff_src),
          Argument::value(rule_of(ignored_)), Argument::value(count_)},
         plan_.backward.units);
}

}  // namespace barista::ops
