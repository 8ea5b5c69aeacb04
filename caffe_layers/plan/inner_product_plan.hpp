// Plans of inner product's passes on the PE array.
#ifndef BARISTA_PLAN_INNER_PRODUCT_PLAN_HPP_
#define BARISTA_PLAN_INNER_PRODUCT_PLAN_HPP_

#include <vector>

#include "plan/multiply_plan.hpp"
#include "plan/recipe.hpp"
#include "plan/shapes.hpp"

namespace barista::plan {

// Gradients of weights lie as the weights do: their rows are the lanes, what lies side by side are the columns. So where weights
// are not transposed, `weights` has diff_dst for its source and src for its other operand.
struct InnerProductPlan {
  PassPlan forward, weights, data;

  std::vector<PassPlan> passes() const { return {forward, weights, data}; }
};

// Throws Unsupported where a pass has no tile that fits.
InnerProductPlan plan_inner_product(const Recipe& recipe, const InnerProductShape& shape);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_INNER_PRODUCT_PLAN_HPP_
