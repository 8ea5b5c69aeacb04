// An axis of classes, and which labels count: what softmax, its loss and accuracy are told.
#ifndef BARISTA_OPS_CLASS_AXIS_HPP_
#define BARISTA_OPS_CLASS_AXIS_HPP_

#include <optional>

namespace barista::ops {

// Values lie as [outer][classes][inner], labels as [outer][inner]: there are outer * inner positions.
struct ClassAxis {
  int outer, classes, inner;
  int positions() const { return outer * inner; }
};

// The label whose positions are left out, if any.
using IgnoredLabel = std::optional<int>;

// Throws device::Error, in which `what` names the operation, for an axis without elements.
void validate(const ClassAxis& axis, const char* what);

// Groups of 16 positions that a kernel takes one after the other: of rows where inner is 1, else of the positions of one image.
int lane_groups(const ClassAxis& axis);

}  // namespace barista::ops

#endif  // BARISTA_OPS_CLASS_AXIS_HPP_
