// An axis of classes, and which labels count: what softmax, its loss and accuracy are told.
#ifndef BARISTA_OPS_CLASS_AXIS_HPP_
#define BARISTA_OPS_CLASS_AXIS_HPP_

#include <optional>
#include <string>
#include <vector>

#include "device/program.hpp"

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

// Enqueues kernels that take groups of positions one after the other: rows where inner is 1, else positions of one image. Returns how many
// units take part.
int launch_on_groups(device::Program& program, const ClassAxis& axis, const std::string& kernel,
                     const std::vector<device::Argument>& arguments);

}  // namespace barista::ops

#endif  // BARISTA_OPS_CLASS_AXIS_HPP_
