#include "ops/loss.hpp"

#include "interface/class_axis.h"

namespace barista::ops {

LossSum::LossSum(device::Program& program, std::optional<float> divisor)
    : program_(program),
      fixed_(divisor.value_or(0)),
      parts_(program.device().allocate(program.recipe().compute_units * sizeof(loss_part))),
      divisor_(program.device().allocate(sizeof(float))) {}

void LossSum::finish(int units, device::Buffer& dst) {
  program_.launch({{"loss_finish",
                    0,
                    {device::Argument::in(parts_), device::Argument::out(divisor_), device::Argument::out(dst),
                     device::Argument::value(units), device::Argument::value(fixed_)}}});
}

}  // namespace barista::ops
