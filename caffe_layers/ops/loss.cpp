#include "ops/loss.hpp"

#include "interface/class_axis.h"

namespace barista::ops {

LossSum::LossSum(device::DeviceManager& manager, std::optional<float> divisor)
    : manager_(manager),
      fixed_(divisor.value_or(0)),
      parts_(manager.allocate(manager.recipe().compute_units * sizeof(loss_part))),
      divisor_(manager.allocate(sizeof(float))) {}

void LossSum::finish(int units, device::Buffer& dst) {
  manager_.launch({{"loss_finish",
                    0,
                    {device::Argument::in(parts_), device::Argument::out(divisor_), device::Argument::out(dst),
                     device::Argument::value(units), device::Argument::value(fixed_)}}});
}

}  // namespace barista::ops
