#include "ops/euclidean_loss.hpp"

#include "ops/launches.hpp"

namespace barista::ops {

using device::Argument;

EuclideanLoss::EuclideanLoss(device::Program& program, int count, int examples)
    : program_(program),
      plan_(plan::plan_euclidean_loss(program.recipe(), count, examples)),
      count_(count),
      examples_(examples),
      sum_(program, 2.0F * static_cast<float>(examples)) {}

void EuclideanLoss::forward(const device::Buffer& src, const device::Buffer& target, device::Buffer& difference,
                            device::Buffer& loss) {
  launch(program_, "euclidean_loss_forward_",
         {Argument::in(src), Argument::in(target), Argument::out(difference), Argument::out(sum_.parts()), Argument::value(count_)},
         plan_.forward.units);
  sum_.finish(static_cast<int>(plan_.forward.units.size()), loss);
}

void EuclideanLoss::backward(const device::Buffer& difference, const device::Buffer& weight, int sign, device::Buffer& diff) {
  launch(program_, "euclidean_loss_backward_",
         {Argument::in(difference), Argument::in(weight), Argument::out(diff), Argument::value(count_),
          Argument::value(static_cast<float>(sign * examples_))},
         plan_.backward.units);
}

}  // namespace barista::ops
