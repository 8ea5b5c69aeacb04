#include "ops/accuracy.hpp"

#include <optional>

#include "interface/class_axis.h"
#include "ops/units.hpp"

namespace barista::ops {

using device::Argument;

Accuracy::Accuracy(device::DeviceManager& manager, const ClassAxis& axis, int top_k, IgnoredLabel ignored)
    : manager_(manager), axis_(axis), top_k_(top_k), ignored_(ignored), sum_(manager, std::nullopt) {
  validate(axis, "accuracy");
  right_ = manager.allocate(sizeof(float));
}

void Accuracy::forward(const device::Buffer& src, const device::Buffer& labels, device::Buffer& dst, device::Buffer* per_class) {
  const label_rule rule = {1, ignored_.has_value(), ignored_.value_or(0)};
  const int keep_right = per_class != nullptr;
  const std::size_t right_bytes = axis_.positions() * sizeof(float);
  if (keep_right && right_.bytes() < right_bytes) right_ = manager_.allocate(right_bytes);
  const int units =
      launch_on_groups(manager_, axis_, "accuracy_",
                       {Argument::in(src), Argument::in(labels), Argument::out(right_), Argument::out(sum_.parts()),
                        Argument::value(axis_), Argument::value(rule), Argument::value(top_k_), Argument::value(keep_right)});
  sum_.finish(units, dst);
  if (per_class == nullptr) return;
  launch_on_units(manager_, "accuracy_per_class_",
                  {Argument::in(labels), Argument::in(right_), Argument::out(*per_class), Argument::value(axis_.positions()),
                   Argument::value(axis_.classes)},
                  (axis_.classes - 1) / manager_.recipe().lanes + 1);
}

}  // namespace barista::ops
