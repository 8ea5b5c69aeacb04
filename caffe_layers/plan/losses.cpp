#include "plan/losses.hpp"

#include <algorithm>
#include <string>

#include "plan/ranges.hpp"
#include "plan/unsupported.hpp"

namespace barista::plan {
namespace {

constexpr std::int64_t kPartials = 8;  // CLASS_PARTIALS, in which sums take turns

VectorsPass vectors(const Recipe& recipe, int count) {
  VectorsPass pass = {share_out(ceil_div(count, recipe.lanes), recipe.compute_units), {}};
  pass.cost.launches = static_cast<std::int64_t>(pass.units.size());
  pass.cost.steps = ceil_div(count, recipe.lanes);
  pass.cost.stored = count;
  return pass;
}

}  // namespace

LossPlan plan_euclidean_loss(const Recipe& recipe, int count, int examples) {
  if (count < 1 || examples < 1)
    throw Unsupported("Euclidean loss of " + std::to_string(count) + " values in " + std::to_string(examples) +
                      " examples: there must be at least 1 of each");
  LossPlan plan = {vectors(recipe, count), vectors(recipe, count)};
  plan.forward.cost.loaded = std::int64_t{count} * 2;
  plan.forward.cost.steps += plan.forward.cost.launches * (kPartials - 1);
  plan.backward.cost.loaded = count + plan.backward.cost.launches;  // the loss's weight too
  return plan;
}

LossPlan plan_sigmoid_cross_entropy_loss(const Recipe& recipe, int count) {
  if (count < 1) throw Unsupported("sigmoid cross entropy loss: there must be at least 1 value");
  LossPlan plan = {vectors(recipe, count), vectors(recipe, count)};
  plan.forward.cost.loaded = std::int64_t{count} * 2;
  plan.forward.cost.steps *= recipe.lanes / std::min(recipe.function_lanes, 4);  // SIGMOID_LANES at once
  plan.backward.cost.loaded = std::int64_t{count} * 2 + plan.backward.cost.launches;
  return plan;
}

Cost loss_finish_cost(std::int64_t units) { return {1, units, 0, 1, 0}; }

std::vector<PassCost> loss_costs(const LossPlan& plan) {
  Cost forward = plan.forward.cost;
  forward += loss_finish_cost(forward.launches);
  return {{"forward", forward}, {"backward", plan.backward.cost}};
}

}  // namespace barista::plan
