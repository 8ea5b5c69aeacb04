// Plans for the kernels of channels.cl, which hold a number a channel of blobs [outer][channels][inner]: how rows are shared out, and what a
// pass costs.
#ifndef BARISTA_PLAN_CHANNELS_HPP_
#define BARISTA_PLAN_CHANNELS_HPP_

#include <vector>

#include "interface/channel_shape.h"
#include "plan/cost.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

struct ChannelShape {
  int outer, channels, inner;
};

struct ChannelPass {
  channel_shape shape;
  int options;                       // CHANNEL_*
  std::vector<channel_range> units;  // one launch each; none of no elements
  Cost cost;
};

// channel_affine_* with the operands and results that `options` names.
ChannelPass plan_channel_affine(const Recipe& recipe, const ChannelShape& shape, int options);
// channel_sums_*, of which `options` names at least one sum.
ChannelPass plan_channel_sums(const Recipe& recipe, const ChannelShape& shape, int options);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_CHANNELS_HPP_
