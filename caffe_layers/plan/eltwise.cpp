#include "plan/eltwise.hpp"

#include "plan/elementwise.hpp"

namespace barista::plan {
namespace {

constexpr int kNone = kEltwiseNone, kResult = kEltwiseResult, kWinners = kEltwiseWinners, kDiffDst = kEltwiseDiffDst;

EltwiseStep product(int a, int b) { return {ELEMENTWISE_PRODUCT, 1, 0, a, b, kNone, kResult}; }

}  // namespace

EltwiseSteps eltwise_sum(const std::vector<float>& coefficients) {
  // A source of coefficient 0 is left out, whatever it holds, as BLAS does.
  std::vector<int> terms;
  for (int k = 0; k < static_cast<int>(coefficients.size()); k++)
    if (coefficients[k] != 0) terms.push_back(k);
  if (terms.empty()) return {{ELEMENTWISE_CONSTANT, 1, 0, kNone, kNone, kNone, kResult}};
  if (terms.size() == 1) return {{ELEMENTWISE_AFFINE, coefficients[terms[0]], 0, terms[0], kNone, kNone, kResult}};
  EltwiseSteps steps = {{ELEMENTWISE_SUM, coefficients[terms[0]], coefficients[terms[1]], terms[0], terms[1], kNone, kResult}};
  for (std::size_t i = 2; i < terms.size(); i++)
    steps.push_back({ELEMENTWISE_SUM, coefficients[terms[i]], 1, terms[i], kResult, kNone, kResult});
  return steps;
}

EltwiseSteps eltwise_product(int sources) {
  EltwiseSteps steps = {product(0, 1)};
  for (int k = 2; k < sources; k++) steps.push_back(product(k, kResult));
  return steps;
}

// Winners first: they are found in what dst is without the source at hand.
EltwiseSteps eltwise_maximum(int sources) {
  EltwiseSteps steps = {{ELEMENTWISE_LARGER, 0, 1, 0, 1, kNone, kWinners}, {ELEMENTWISE_MAXIMUM, 1, 0, 0, 1, kNone, kResult}};
  for (int k = 2; k < sources; k++) {
    steps.push_back({ELEMENTWISE_WINNER, static_cast<float>(k), 0, k, kResult, kWinners, kWinners});
    steps.push_back({ELEMENTWISE_MAXIMUM, 1, 0, k, kResult, kNone, kResult});
  }
  return steps;
}

EltwiseSteps eltwise_sum_backward(float coefficient) {
  return {{ELEMENTWISE_AFFINE, coefficient, 0, kDiffDst, kNone, kNone, kResult}};
}

EltwiseSteps eltwise_product_backward(int sources, int k) {
  EltwiseSteps steps;
  int of_others = kNone;  // their product so far
  for (int j = 0; j < sources; j++) {
    if (j == k) continue;
    if (of_others != kNone) steps.push_back(product(j, of_others));
    of_others = of_others == kNone ? j : kResult;
  }
  steps.push_back(product(of_others, kDiffDst));
  return steps;
}

EltwiseSteps eltwise_quotient_backward(int k) { return {{ELEMENTWISE_QUOTIENT, 1, 0, k, kEltwiseDst, kDiffDst, kResult}}; }

EltwiseSteps eltwise_maximum_backward(int k) {
  return {{ELEMENTWISE_WON, static_cast<float>(k), 0, kWinners, kNone, kDiffDst, kResult}};
}

Cost eltwise_cost(const Recipe& recipe, const EltwiseSteps& steps, int count) {
  Cost cost;
  for (const EltwiseStep& step : steps) {
    const int reads = (step.a != kNone ? ELEMENTWISE_READS_A : 0) | (step.b != kNone ? ELEMENTWISE_READS_B : 0) |
                      (step.c != kNone ? ELEMENTWISE_READS_C : 0);
    cost += plan_elementwise(recipe, step.function, reads, count).cost;
  }
  return cost;
}

std::vector<PassCost> eltwise_costs(const Recipe& recipe, EltwiseKind kind, const std::vector<float>& coefficients, int count) {
  const int sources = static_cast<int>(coefficients.size());
  EltwiseSteps forward = eltwise_product(sources), backward;
  if (kind == EltwiseKind::kSum) forward = eltwise_sum(coefficients);
  if (kind == EltwiseKind::kMaximum) forward = eltwise_maximum(sources);
  for (int k = 0; k < sources; k++) {
    EltwiseSteps to_source = eltwise_product_backward(sources, k);
    if (kind == EltwiseKind::kSum) to_source = eltwise_sum_backward(coefficients[k]);
    if (kind == EltwiseKind::kQuotient) to_source = eltwise_quotient_backward(k);
    if (kind == EltwiseKind::kMaximum) to_source = eltwise_maximum_backward(k);
    backward.insert(backward.end(), to_source.begin(), to_source.end());
  }
  return {{"forward", eltwise_cost(recipe, forward, count)}, {"backward", eltwise_cost(recipe, backward, count)}};
}

}  // namespace barista::plan
