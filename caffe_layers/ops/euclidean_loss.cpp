#include "ops/euclidean_loss.hpp"

#include <string>

#include "ops/units.hpp"

namespace barista::ops {

using device::Argument;

namespace {

int checked(int count, int examples) {
  if (count >= 1 && examples >= 1) return count;
  throw device::Error("Euclidean loss of " + std::to_string(count) + " values in " + std::to_string(examples) +
                      " examples: there must be at least 1 of each");
}

}  // namespace

EuclideanLoss::EuclideanLoss(device::Program& program, int count, int examples)
    : program_(program),
      count_(checked(count, examples)),
      examples_(examples),
      sum_(program, 2.0F * static_cast<float>(examples)) {}

void EuclideanLoss::forward(const device::Buffer& src, const device::Buffer& target, device::Buffer& difference,
                            device::Buffer& loss) {
  const int units = launch_on_units(
      program_, "euclidean_loss_forward_",
      {Argument::in(src), Argument::in(target), Argument::out(difference), Argument::out(sum_.parts()), Argument::value(count_)},
      (count_ - 1) / program_.recipe().lanes + 1);
  sum_.finish(units, loss);
}

void EuclideanLoss::backward(const device::Buffer& difference, const device::Buffer& weight, int sign, device::Buffer& diff) {
  launch_on_units(program_, "euclidean_loss_backward_",
                  {Argument::in(difference), Argument::in(weight), Argument::out(diff), Argument::value(count_),
                   Argument::value(static_cast<float>(sign * examples_))},
                  (count_ - 1) / program_.recipe().lanes + 1);
}

}  // namespace barista::ops
