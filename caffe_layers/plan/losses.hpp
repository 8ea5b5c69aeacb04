// Plans for losses of `count` values, element by element, and for the step that all losses end with.
#ifndef BARISTA_PLAN_LOSSES_HPP_
#define BARISTA_PLAN_LOSSES_HPP_

#include <cstdint>
#include <vector>

#include "plan/cost.hpp"
#include "plan/recipe.hpp"
#include "plan/units.hpp"

namespace barista::plan {

// Vectors that each unit does, one launch each.
struct VectorsPass {
  std::vector<UnitRange> units;
  Cost cost;
};

struct LossPlan {
  VectorsPass forward, backward;  // without loss_finish_cost()
};

// Throws Unsupported where there is no value, or no example.
LossPlan plan_euclidean_loss(const Recipe& recipe, int count, int examples);
// Throws Unsupported where there is no value.
LossPlan plan_sigmoid_cross_entropy_loss(const Recipe& recipe, int count);

// The launch that adds up what `units` units found, and divides it.
Cost loss_finish_cost(std::int64_t units);

// "forward" and "backward"; a Euclidean loss has one of these for each of its two bottoms.
std::vector<PassCost> loss_costs(const LossPlan& plan);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_LOSSES_HPP_
