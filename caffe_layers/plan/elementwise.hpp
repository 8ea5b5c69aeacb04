// Plans of functions of single elements (plan/elementwise_functions.hpp): how a pass is shared out to the compute units, and what it costs.
#ifndef BARISTA_PLAN_ELEMENTWISE_HPP_
#define BARISTA_PLAN_ELEMENTWISE_HPP_

#include <vector>

#include "interface/elementwise_function.h"
#include "plan/cost.hpp"
#include "plan/elementwise_functions.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

struct ElementwisePlan {
  bool transcendental;                   // on the kernels transcendental_*, else on elementwise_*
  std::vector<elementwise_range> units;  // one launch each; none of no elements
  Cost cost;
};

// One launch a unit of a function (ELEMENTWISE_*) over `count` elements, of which it reads `reads` (ELEMENTWISE_READS_*).
ElementwisePlan plan_elementwise(const Recipe& recipe, int function, int reads, int count);

// The same for `planes` planes of `elements`, plane p with the slope of channel p % channels. For functions up to
// ELEMENTWISE_LAST_ARITHMETIC.
ElementwisePlan plan_elementwise(const Recipe& recipe, int function, int reads, int channels, int planes, int elements);

// "forward" and, of what is differentiable, "backward", by themselves: neither fused into the store of what goes before.
std::vector<PassCost> elementwise_costs(const Recipe& recipe, const Elementwise& function, int count);

// Dropout and its gradient, with a mask that is drawn in each pass or, where `given`, with one in memory.
std::vector<PassCost> dropout_costs(const Recipe& recipe, int count, bool given);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_ELEMENTWISE_HPP_
