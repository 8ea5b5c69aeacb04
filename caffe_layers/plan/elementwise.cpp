#include "plan/elementwise.hpp"

#include <cstdint>

#include "plan/ranges.hpp"
#include "plan/units.hpp"

namespace barista::plan {
namespace {

// Which operands a pass reads, ELEMENTWISE_READS_*.
int read_by(const ElementwisePass& pass) {
  return (pass.a != Operand::kNone ? ELEMENTWISE_READS_A : 0) | (pass.b != Operand::kNone ? ELEMENTWISE_READS_B : 0) |
         (pass.c != Operand::kNone ? ELEMENTWISE_READS_C : 0);
}

std::int64_t operands(int reads) {
  return ((reads & ELEMENTWISE_READS_A) != 0 ? 1 : 0) + ((reads & ELEMENTWISE_READS_B) != 0 ? 1 : 0) +
         ((reads & ELEMENTWISE_READS_C) != 0 ? 1 : 0);
}

}  // namespace

// Units take whole vectors, but for the last of all.
ElementwisePlan plan_elementwise(const Recipe& recipe, int function, int reads, int count) {
  ElementwisePlan plan = {function > ELEMENTWISE_LAST_ARITHMETIC, {}, {}};
  if (count <= 0) return plan;
  const int lanes = recipe.lanes;
  const std::vector<UnitRange> parts = share_out(ceil_div(count, lanes), recipe.compute_units);
  for (std::size_t unit = 0; unit < parts.size(); unit++) {
    const int end = unit + 1 < parts.size() ? parts[unit].end * lanes : count;
    plan.units.push_back({0, 1, count, parts[unit].begin * lanes, end, 1, 0});
  }
  plan.cost.launches = static_cast<std::int64_t>(plan.units.size());
  plan.cost.steps = ceil_div(count, plan.transcendental ? recipe.function_lanes : lanes);
  plan.cost.loaded = operands(reads) * count;
  plan.cost.stored = count;
  return plan;
}

ElementwisePlan plan_elementwise(const Recipe& recipe, int function, int reads, int channels, int planes, int elements) {
  ElementwisePlan plan = {function > ELEMENTWISE_LAST_ARITHMETIC, {}, {}};
  if (planes <= 0 || elements <= 0) return plan;
  for (const UnitRange& part : share_out(planes, recipe.compute_units))
    plan.units.push_back({part.begin, part.end, elements, 0, elements, channels, part.begin * elements});
  const std::int64_t count = std::int64_t{planes} * elements;
  plan.cost.launches = static_cast<std::int64_t>(plan.units.size());
  plan.cost.steps = std::int64_t{planes} * ceil_div(elements, recipe.lanes);
  plan.cost.loaded = operands(reads) * count + planes;
  plan.cost.stored = count;
  return plan;
}

std::vector<PassCost> elementwise_costs(const Recipe& recipe, const Elementwise& f, int count) {
  const auto cost = [&](const ElementwisePass& pass) { return plan_elementwise(recipe, pass.function, read_by(pass), count).cost; };
  std::vector<PassCost> costs = {{"forward", cost(f.forward)}};
  if (f.differentiable) costs.push_back({"backward", cost(f.backward)});
  return costs;
}

std::vector<PassCost> dropout_costs(const Recipe& recipe, int count, bool given) {
  const Cost cost = given ? plan_elementwise(recipe, ELEMENTWISE_PRODUCT, ELEMENTWISE_READS_A | ELEMENTWISE_READS_B, count).cost
                          : plan_elementwise(recipe, ELEMENTWISE_DROPOUT, ELEMENTWISE_READS_A, count).cost;
  return {{"forward", cost}, {"backward", cost}};
}

}  // namespace barista::plan
