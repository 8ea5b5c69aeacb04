// Plans for depthwise convolution: how a pass is cut into tiles and rectangles of the kernel that fit the device, which sweeps
// each part takes, and which compute unit does which.
//
// A part's figures are what the kernels count with (opencl_kernels/interface/depthwise_problem.h). What a plan promises them: a
// part's source, its results, its weights and their partial sums fit the recipe's ACC_WORDS, sweeps read no further, and a sum is
// updated again after ACC_DISTANCE steps at the earliest. All of it is a function of recipe and shape.
#ifndef BARISTA_PLAN_DEPTHWISE_PLAN_HPP_
#define BARISTA_PLAN_DEPTHWISE_PLAN_HPP_

#include <vector>

#include "interface/depthwise_problem.h"
#include "plan/depthwise_tiles.hpp"
#include "plan/recipe.hpp"
#include "plan/shapes.hpp"

namespace barista::plan {

struct DepthwisePass {
  depthwise_problem problem;
  std::vector<depthwise_part> parts;
  std::vector<depthwise_sweep> sweeps;
  std::vector<depthwise_range> units;  // one launch each
};

// Of a shape that is_depthwise() is true of. Throws Unsupported where not even one result and one weight fit the recipe's memories.
DepthwisePass plan_depthwise(const Recipe& recipe, const ConvolutionShape& shape, DepthwiseDirection direction);

// All three passes.
struct DepthwisePlan {
  DepthwisePass forward, data, weights;
};
DepthwisePlan plan_depthwise(const Recipe& recipe, const ConvolutionShape& shape);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_DEPTHWISE_PLAN_HPP_
