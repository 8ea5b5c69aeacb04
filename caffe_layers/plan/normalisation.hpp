// What operations cost that are made of the kernels with numbers a channel: BatchNorm, Scale, Bias and PReLU.
#ifndef BARISTA_PLAN_NORMALISATION_HPP_
#define BARISTA_PLAN_NORMALISATION_HPP_

#include <vector>

#include "plan/channels.hpp"
#include "plan/cost.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

// "forward" and "backward", with the batch's statistics, or, where they are `global`, with the moving ones. Throws Unsupported where the
// shape has no values.
std::vector<PassCost> batch_norm_costs(const Recipe& recipe, const ChannelShape& shape, bool global);
void validate_batch_norm(const ChannelShape& shape);
// The launch that makes of a channel's mean and variance what normalises.
Cost batch_norm_statistics_cost(int channels, bool takes_moving);

// A Scale, with or without a bias, or a Bias. "forward", "backward data" (but of a bias in place, whose gradient lies there already) and
// "backward weights".
struct ScaleParts {
  bool scale, bias;
  bool in_place;                     // a Scale keeps a copy of src for backward
  bool adds_to_scale, adds_to_bias;  // gradients are added to what is there
};
std::vector<PassCost> scale_costs(const Recipe& recipe, const ChannelShape& shape, const ScaleParts& parts);

struct PReLUShape {
  int images, channels, elements;
  bool shared;
};

// Where the slopes' gradient is summed up: a shared slope is that of one channel, of all elements of an image.
ChannelShape slopes_shape(const PReLUShape& shape);
// "forward", "backward data" and, for the slopes, "backward weights".
std::vector<PassCost> prelu_costs(const Recipe& recipe, const PReLUShape& shape);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_NORMALISATION_HPP_
