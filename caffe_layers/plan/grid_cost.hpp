// What launches of the PE array cost.
#ifndef BARISTA_PLAN_GRID_COST_HPP_
#define BARISTA_PLAN_GRID_COST_HPP_

#include <vector>

#include "plan/cost.hpp"
#include "plan/multiply_plan.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

// Of multiply_* doing the jobs of some plans, a launch a unit that has any. `offsets`: a bias is added. Multiply-adds are left at
// 0. What is counted says plan/multiply_costs.hpp.
Cost grid_cost(const Recipe& recipe, const std::vector<const MultiplyPlan*>& plans, bool offsets);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_GRID_COST_HPP_
