// Plans of convolution's passes on the PE array.
#ifndef BARISTA_PLAN_CONVOLUTION_PLAN_HPP_
#define BARISTA_PLAN_CONVOLUTION_PLAN_HPP_

#include <cstdint>
#include <vector>

#include "plan/multiply_plan.hpp"
#include "plan/recipe.hpp"
#include "plan/shapes.hpp"

namespace barista::plan {

// Throws Unsupported for a shape without output.
void check_output(const ConvolutionShape& shape);

// Products of a source element and a weight, those with padding left out: as many in each pass.
std::int64_t multiply_adds(const ConvolutionShape& shape);

struct ConvolutionPlan {
  PassPlan forward, weights;
  // For each phase of the stride that has rows and columns of diff_src: "data", or "data phase 1,0".
  std::vector<PassPlan> data;

  std::vector<PassPlan> passes() const;  // all of them
};

// Throws Unsupported for a shape without output, and where a pass has no tile that fits.
ConvolutionPlan plan_convolution(const Recipe& recipe, const ConvolutionShape& shape);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_CONVOLUTION_PLAN_HPP_
