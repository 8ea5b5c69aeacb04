// Plans for depthwise convolution: how a pass is cut into tiles and rectangles of the kernel that fit the device, which sweeps
// each part takes, and which compute unit does which.
//
// A part's figures are what the kernels count with (opencl_kernels/interface/depthwise_problem.h). What a plan promises them: a part's
// source, its results, its weights and their partial sums fit the recipe's ACC_WORDS, sweeps read no further, and a sum is
// visited again after ACC_DISTANCE steps at the earliest. All of it is a function of recipe and shape.
//
// Along an axis, the step S and the dilation D, g being what divides both: rows of dst in D/g phases and kernel rows in S/g
// classes lead to rows of src in S * D/g phases: a = D/g * i + j and k = S/g * t + l give S * a + D * k = (S * D/g) * (i + t) +
// S * j + D * l. So between a phase j of dst and one of src, class l is a convolution of stride 1 without dilation. That is a
// *route*.
#ifndef BARISTA_OPS_DEPTHWISE_PLAN_HPP_
#define BARISTA_OPS_DEPTHWISE_PLAN_HPP_

#include <vector>

#include "device/bitstream.hpp"
#include "interface/depthwise_problem.h"
#include "ops/convolution.hpp"

namespace barista::ops {

enum class DepthwiseDirection { kForward, kBackwardData, kBackwardWeights };

struct DepthwisePass {
  depthwise_problem problem;
  std::vector<depthwise_part> parts;
  std::vector<depthwise_sweep> sweeps;
  std::vector<depthwise_range> units;  // one launch each
};

// Of a shape with as many groups as input channels and as output channels. Throws device::Error where not even one result and one
// weight fit the recipe's memories.
DepthwisePass plan_depthwise(const device::Recipe& recipe, const ConvolutionShape& shape, DepthwiseDirection direction);

}  // namespace barista::ops

#endif  // BARISTA_OPS_DEPTHWISE_PLAN_HPP_
