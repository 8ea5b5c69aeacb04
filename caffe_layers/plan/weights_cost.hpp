// What moving weights to the PE array's layout and gradients back from it cost.
#ifndef BARISTA_PLAN_WEIGHTS_COST_HPP_
#define BARISTA_PLAN_WEIGHTS_COST_HPP_

#include "plan/cost.hpp"
#include "plan/packed_layout.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

// Of pack_weights_*, for all layouts.
Cost pack_cost(const Recipe& recipe, const PackedLayouts& packed);

// Of parameter_gradients_*, over gradients that are known to be zero. `layout` and `sums` are zeros where there is nothing of the
// kind.
Cost gradients_cost(const Recipe& recipe, const weights_layout& layout, const bias_sums& sums);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_WEIGHTS_COST_HPP_
