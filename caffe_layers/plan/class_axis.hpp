// Plans for operations along an axis of classes (softmax, its loss, accuracy): how positions are shared out, and what a pass costs.
#ifndef BARISTA_PLAN_CLASS_AXIS_HPP_
#define BARISTA_PLAN_CLASS_AXIS_HPP_

#include <vector>

#include "interface/class_axis.h"
#include "plan/cost.hpp"
#include "plan/recipe.hpp"
#include "plan/units.hpp"

namespace barista::plan {

// Values lie as [outer][classes][inner], labels as [outer][inner]: there are outer * inner positions.
struct ClassAxis {
  int outer, classes, inner;
  int positions() const { return outer * inner; }
};

// Throws Unsupported, in which `what` names the operation, for an axis without elements.
void validate(const ClassAxis& axis, const char* what);

// One launch a unit, of kernels that take groups of positions one after the other: rows where inner is 1, else positions of one image.
struct GroupsPass {
  std::vector<lane_range> units;
  Cost cost;
};

// softmax_forward_*, which sums up a loss too where there are labels; softmax_backward_*; accuracy_*, which keeps the verdict on each
// position where it is asked for classes.
GroupsPass plan_softmax_forward(const Recipe& recipe, const ClassAxis& axis, bool labels);
GroupsPass plan_softmax_backward(const Recipe& recipe, const ClassAxis& axis);
GroupsPass plan_accuracy(const Recipe& recipe, const ClassAxis& axis, bool keeps_right);

struct ClassRowsPass {
  std::vector<class_rows> units;  // one launch each
  Cost cost;
};
ClassRowsPass plan_softmax_loss_backward(const Recipe& recipe, const ClassAxis& axis);

struct PerClassPass {
  std::vector<UnitRange> units;  // one launch each: vectors of classes
  Cost cost;
};
PerClassPass plan_accuracy_per_class(const Recipe& recipe, const ClassAxis& axis);

// All throw Unsupported for an axis without elements.
std::vector<PassCost> softmax_costs(const Recipe& recipe, const ClassAxis& axis);
std::vector<PassCost> softmax_loss_costs(const Recipe& recipe, const ClassAxis& axis);
std::vector<PassCost> accuracy_costs(const Recipe& recipe, const ClassAxis& axis, bool per_class);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_CLASS_AXIS_HPP_
