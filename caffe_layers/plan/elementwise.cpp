#include "plan/elementwise.hpp"

#include <cmath>
#include <cstdint>

#include "plan/ranges.hpp"
#include "plan/units.hpp"

namespace barista::plan {
namespace {

int parity_of(float exponent) {
  if (exponent != std::floor(exponent)) return ELEMENTWISE_NO_INTEGER;
  return std::fmod(exponent, 2.0F) == 0 ? ELEMENTWISE_EVEN : ELEMENTWISE_ODD;
}

ElementwisePass constant(float value) {
  ElementwisePass pass = {ELEMENTWISE_CONSTANT, Operand::kNone};
  pass.shift = value;
  return pass;
}

// a^exponent of a = shift + scale * src, and its derivative but for the two functions that need no logarithm.
Elementwise general_power(float exponent, float scale, float shift) {
  ElementwisePass forward = {ELEMENTWISE_POWER, Operand::kSrc, Operand::kNone, Operand::kNone, scale, shift, exponent};
  forward.parity = parity_of(exponent);
  // exponent * scale * dst / (shift + scale * src), the size of the constant in the divisor. Its sign is not, since that of a divisor
  // which is 0 decides on that of an infinite gradient.
  const float slope = exponent * scale, size = std::abs(slope);
  const int quotient = slope < 0 ? ELEMENTWISE_NEGATIVE_QUOTIENT : ELEMENTWISE_QUOTIENT;
  return {forward, {quotient, Operand::kSrc, Operand::kDst, Operand::kDiffDst, scale / size, shift / size}};
}

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

Elementwise relu(float negative_slope) {
  Elementwise relu = {{ELEMENTWISE_RELU, Operand::kSrc},
                      {ELEMENTWISE_RELU_GRADIENT, Operand::kSrc, Operand::kNone, Operand::kDiffDst}};
  relu.forward.slope = relu.backward.slope = negative_slope;
  relu.has_signs_of_src = negative_slope >= 0;
  return relu;
}

Elementwise sigmoid() {
  return {{ELEMENTWISE_SIGMOID, Operand::kSrc, Operand::kNone, Operand::kNone, -1},
          {ELEMENTWISE_SIGMOID_GRADIENT, Operand::kDst, Operand::kNone, Operand::kDiffDst}};
}

Elementwise tanh() {
  return {{ELEMENTWISE_TANH, Operand::kSrc, Operand::kNone, Operand::kNone, 2},
          {ELEMENTWISE_TANH_GRADIENT, Operand::kDst, Operand::kNone, Operand::kDiffDst}};
}

Elementwise elu(float alpha) {
  return {{ELEMENTWISE_ELU, Operand::kSrc, Operand::kNone, Operand::kNone, 1, 0, alpha},
          {ELEMENTWISE_ELU_GRADIENT, Operand::kSrc, Operand::kDst, Operand::kDiffDst, 1, alpha},
          true,
          alpha >= 0};
}

Elementwise absval() {
  return {{ELEMENTWISE_ABSOLUTE, Operand::kSrc}, {ELEMENTWISE_ABSOLUTE_GRADIENT, Operand::kSrc, Operand::kNone, Operand::kDiffDst}};
}

Elementwise bnll() {
  return {{ELEMENTWISE_BNLL, Operand::kSrc}, {ELEMENTWISE_BNLL_GRADIENT, Operand::kSrc, Operand::kNone, Operand::kDiffDst, -1}};
}

Elementwise threshold(float threshold) {
  return {{ELEMENTWISE_THRESHOLD, Operand::kSrc, Operand::kNone, Operand::kNone, 1, threshold}, constant(0), false};
}

Elementwise power(float power, float scale, float shift) {
  const Operand none = Operand::kNone, diff = Operand::kDiffDst;
  const float slope = power * scale;
  if (slope == 0) return {constant(power == 0 ? 1 : std::pow(shift, power)), constant(0)};
  if (power == 1)
    return {{ELEMENTWISE_AFFINE, Operand::kSrc, none, none, scale, shift}, {ELEMENTWISE_AFFINE, diff, none, none, slope}};
  if (power == 2) {
    return {{ELEMENTWISE_SQUARE, Operand::kSrc, none, none, scale, shift},
            {ELEMENTWISE_AFFINE_PRODUCT, Operand::kSrc, none, diff, slope * scale, slope * shift}};
  }
  return general_power(power, scale, shift);
}

Elementwise exp(float inner_scale, float outer_scale) {
  return {{ELEMENTWISE_EXP, Operand::kSrc, Operand::kNone, Operand::kNone, inner_scale, 0, outer_scale},
          {ELEMENTWISE_AFFINE_PRODUCT, Operand::kDst, Operand::kNone, Operand::kDiffDst, inner_scale}};
}

Elementwise log(float base_scale, float scale, float shift) {
  return {{ELEMENTWISE_LOG, Operand::kSrc, Operand::kNone, Operand::kNone, scale, shift, base_scale},
          {ELEMENTWISE_INVERSE, Operand::kSrc, Operand::kNone, Operand::kDiffDst, scale, shift, base_scale * scale}};
}

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
