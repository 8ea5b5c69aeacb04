// Plans for a solver's step: how a parameter is shared out, and what the step costs.
#ifndef BARISTA_PLAN_SOLVER_UPDATE_HPP_
#define BARISTA_PLAN_SOLVER_UPDATE_HPP_

#include <vector>

#include "interface/solver_rule.h"
#include "plan/cost.hpp"
#include "plan/recipe.hpp"
#include "plan/units.hpp"

namespace barista::plan {

// Whether a method (SOLVER_*) keeps a second history.
bool has_second_history(int method);

struct UpdatePass {
  std::vector<UnitRange> units;  // one launch each, of elements; none of no elements
  Cost cost;
};

UpdatePass plan_update(const Recipe& recipe, int method, int count);
// The launch that adds up the squares of a gradient.
Cost squared_norm_cost(const Recipe& recipe, int count);

// "update" of one parameter of `count` elements, which `clips` gradients or not.
std::vector<PassCost> update_costs(const Recipe& recipe, int method, int count, bool clips);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_SOLVER_UPDATE_HPP_
