// Functions of single elements, forward and backward, as the elementwise kernels compute them, how a pass is shared out, and what it costs.
//
//   forward:   dst[i]      = f(src[i])
//   backward:  diff_src[i] = diff_dst[i] * f'(src[i])
#ifndef BARISTA_PLAN_ELEMENTWISE_HPP_
#define BARISTA_PLAN_ELEMENTWISE_HPP_

#include <vector>

#include "interface/elementwise_function.h"
#include "plan/cost.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

// What a pass reads as one of the kernels' operands (elementwise_function.h).
enum class Operand { kNone, kSrc, kDst, kDiffDst };

// One pass of a function: what the kernels compute, and of what.
struct ElementwisePass {
  int function;
  Operand a, b = Operand::kNone, c = Operand::kNone;
  float scale = 1, shift = 0, factor = 1, slope = 0;
  int parity = ELEMENTWISE_NO_INTEGER;

  bool reads(Operand operand) const { return a == operand || b == operand || c == operand; }
};

struct Elementwise {
  ElementwisePass forward, backward;
  bool differentiable = true;
  bool has_signs_of_src = false;  // dst is above 0 where src is, and that is all that backward asks of src
};

// The functions, with the parameters of Caffe's messages.
Elementwise relu(float negative_slope);
Elementwise sigmoid();
Elementwise tanh();
Elementwise elu(float alpha);
Elementwise absval();
Elementwise bnll();
Elementwise threshold(float threshold);                       // not differentiable
Elementwise power(float power, float scale, float shift);     // (shift + scale * src) ^ power
Elementwise exp(float inner_scale, float outer_scale);        // outer_scale * exp(inner_scale * src)
Elementwise log(float base_scale, float scale, float shift);  // base_scale * log(shift + scale * src)

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
