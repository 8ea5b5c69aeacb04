#include "plan/solver_update.hpp"

#include <algorithm>
#include <cstdint>

#include "plan/ranges.hpp"

namespace barista::plan {
namespace {

constexpr std::int64_t kSums = 8;  // SOLVER_SUMS, in which a sum takes turns

}  // namespace

bool has_second_history(int method) { return method == SOLVER_ADADELTA || method == SOLVER_ADAM; }

// Units take whole vectors, but for the last of all; few elements stay on the first unit.
UpdatePass plan_update(const Recipe& recipe, int method, int count) {
  UpdatePass pass;
  if (count <= 0) return pass;
  for (const UnitRange& part : share_out(ceil_div(count, recipe.lanes), units_for(recipe, count)))
    pass.units.push_back({part.begin * recipe.lanes, std::min(part.end * recipe.lanes, count)});
  const std::int64_t tensors = has_second_history(method) ? 4 : 3;  // weights, gradient, histories
  pass.cost = {static_cast<std::int64_t>(pass.units.size()), ceil_div(count, recipe.function_lanes), tensors * count,
               tensors * count, 0};
  return pass;
}

Cost squared_norm_cost(const Recipe& recipe, int count) {
  if (count <= 0) return {};
  return {1, ceil_div(count, recipe.lanes) + kSums, count, 0, 0};
}

std::vector<PassCost> update_costs(const Recipe& recipe, int method, int count, bool clips) {
  Cost cost = plan_update(recipe, method, count).cost;
  if (clips) cost += squared_norm_cost(recipe, count);
  return {{"update", cost}};
}

}  // namespace barista::plan
