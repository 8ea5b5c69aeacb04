// What a pass of depthwise convolution costs.
#ifndef BARISTA_PLAN_DEPTHWISE_COST_HPP_
#define BARISTA_PLAN_DEPTHWISE_COST_HPP_

#include "plan/cost.hpp"
#include "plan/depthwise_plan.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

// Of depthwise_apply_*, forward or backward data. `offsets`: a bias is added. Multiply-adds are left at 0 by both.
Cost depthwise_apply_cost(const Recipe& recipe, const DepthwisePass& pass, bool offsets);

// Of depthwise_weights_*, over gradients that are known to be zero.
Cost depthwise_weights_cost(const Recipe& recipe, const DepthwisePass& pass);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_DEPTHWISE_COST_HPP_
