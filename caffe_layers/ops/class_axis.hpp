// An axis of classes, and which labels count: what softmax, its loss and accuracy are told.
#ifndef BARISTA_OPS_CLASS_AXIS_HPP_
#define BARISTA_OPS_CLASS_AXIS_HPP_

#include <optional>

#include "plan/class_axis.hpp"

namespace barista::ops {

using plan::ClassAxis;

// The label whose positions are left out, if any.
using IgnoredLabel = std::optional<int>;

// What kernels are told of labels.
inline label_rule rule_of(IgnoredLabel ignored) { return {1, ignored.has_value() ? 1 : 0, ignored.value_or(0)}; }

}  // namespace barista::ops

#endif  // BARISTA_OPS_CLASS_AXIS_HPP_
