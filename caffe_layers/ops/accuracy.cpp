#include "ops/accuracy.hpp"

#include <optional>

#include "ops/launches.hpp"

namespace barista::ops {

using device::Argument;

Accuracy::Accuracy(device::Program& program, const ClassAxis& axis, int top_k, IgnoredLabel ignored)
    : program_(program), axis_(axis), top_k_(top_k), ignored_(ignored), sum_(program, std::nullopt) {
  plan::validate(axis, "accuracy");
  right_ = program.device().allocate(sizeof(float));
}

void Accuracy::forward(const device::Buffer& src, const device::Buffer& labels, device::Buffer& dst, device::Buffer* per_class) {
  const int keep_right = per_class != nullptr;
  const std::size_t right_bytes = axis_.positions() * sizeof(float);
  if (keep_right && right_.bytes() < right_bytes) right_ = program_.device().allocate(right_bytes);
  const plan::GroupsPass positions = plan::plan_accuracy(program_.recipe(), axis_, per_class != nullptr);
  launch(program_, "accuracy_",
         {Argument::in(src), Argument::in(labels), Argument::out(right_), Argument::out(sum_.parts()), Argument::value(axis_),
          Argument::value(rule_of(ignored_)), Argument::value(top_k_), Argument::value(keep_right)},
         positions.units);
  sum_.finish(static_cast<int>(positions.units.size()), dst);
  if (per_class == nullptr) return;
  launch(program_, "accuracy_per_class_",
         {Argument::in(labels), Argument::in(right_), Argument::out(*per_class), Argument::value(axis_.positions()),
          Argument::value(axis_.classes)},
         plan::plan_accuracy_per_class(program_.recipe(), axis_).units);
}

}  // namespace barista::ops
