// Plans for blobs of one shape, element by element: sum with coefficients, product and maximum of two or more sources. Each pass is a list of
// launches of the elementwise kernels, which take one more of the sources into the result.
#ifndef BARISTA_PLAN_ELTWISE_HPP_
#define BARISTA_PLAN_ELTWISE_HPP_

#include <vector>

#include "plan/cost.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

// What an operand or a result is: a source by its number (0, 1, ...), or one of these. The result is dst, or backward diff_src.
enum EltwiseBlob { kEltwiseNone = -1, kEltwiseResult = -2, kEltwiseWinners = -3, kEltwiseDst = -4, kEltwiseDiffDst = -5 };

// One function (ELEMENTWISE_*) over all elements.
struct EltwiseStep {
  int function;
  float scale, shift;
  int a, b, c;  // EltwiseBlob
  int result;
};

using EltwiseSteps = std::vector<EltwiseStep>;

EltwiseSteps eltwise_sum(const std::vector<float>& coefficients);
EltwiseSteps eltwise_product(int sources);
EltwiseSteps eltwise_maximum(int sources);
// Of source `k`.
EltwiseSteps eltwise_sum_backward(float coefficient);
EltwiseSteps eltwise_product_backward(int sources, int k);
EltwiseSteps eltwise_quotient_backward(int k);
EltwiseSteps eltwise_maximum_backward(int k);

Cost eltwise_cost(const Recipe& recipe, const EltwiseSteps& steps, int count);

enum class EltwiseKind { kSum, kProduct, kQuotient, kMaximum };  // kQuotient: a product whose gradient divides
// "forward", and "backward" to all sources. `coefficients`: of a sum, one a source; of others only their number counts.
std::vector<PassCost> eltwise_costs(const Recipe& recipe, EltwiseKind kind, const std::vector<float>& coefficients, int count);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_ELTWISE_HPP_
