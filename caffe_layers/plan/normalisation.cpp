#include "plan/normalisation.hpp"

#include <cstdint>
#include <string>

#include "plan/elementwise.hpp"
#include "plan/unsupported.hpp"

namespace barista::plan {

void validate_batch_norm(const ChannelShape& s) {
  if (s.outer >= 1 && s.channels >= 1 && s.inner >= 1) return;
  throw Unsupported("batch normalisation of " + std::to_string(s.outer) + " x " + std::to_string(s.channels) + " x " +
                    std::to_string(s.inner) + " values: there must be at least 1 a channel");
}

Cost batch_norm_statistics_cost(int channels, bool takes_moving) {
  const std::int64_t c = channels;
  if (takes_moving) return {1, c, 2 * c + 1, 2 * c, 0};
  return {1, c, 4 * c + 1, 3 * c + 1, 0};
}

std::vector<PassCost> batch_norm_costs(const Recipe& recipe, const ChannelShape& shape, bool global) {
  validate_batch_norm(shape);
  const auto affine = [&](int options) { return plan_channel_affine(recipe, shape, options).cost; };
  const auto sums = [&](int options) { return plan_channel_sums(recipe, shape, options).cost; };
  Cost forward = batch_norm_statistics_cost(shape.channels, global), backward;
  if (global) {
    forward += affine(CHANNEL_CENTRE | CHANNEL_SCALE);
    backward += affine(CHANNEL_SCALE);
  } else {
    forward += sums(CHANNEL_SUMS);
    forward += sums(CHANNEL_CENTRE | CHANNEL_PRODUCTS);
    forward += affine(CHANNEL_CENTRE | CHANNEL_SCALE | CHANNEL_KEEPS_DST);
    backward += sums(CHANNEL_A | CHANNEL_PRODUCTS | CHANNEL_SUMS);
    backward += affine(CHANNEL_OTHER | CHANNEL_CENTRE | CHANNEL_SLOPE | CHANNEL_SCALE);
  }
  return {{"forward", forward}, {"backward", backward}};
}

std::vector<PassCost> scale_costs(const Recipe& recipe, const ChannelShape& shape, const ScaleParts& parts) {
  const int scale = parts.scale ? CHANNEL_SCALE : 0, shift = parts.bias ? CHANNEL_SHIFT : 0;
  int sums = (parts.scale ? CHANNEL_A | CHANNEL_PRODUCTS : 0) | (parts.bias ? CHANNEL_SUMS : 0);
  sums |= (parts.adds_to_scale ? CHANNEL_ADDS_PRODUCTS : 0) | (parts.adds_to_bias ? CHANNEL_ADDS_SUMS : 0);
  const int kept = parts.scale && parts.in_place ? CHANNEL_KEEPS_SRC : 0;
  std::vector<PassCost> costs;
  costs.push_back({"forward", plan_channel_affine(recipe, shape, scale | shift | kept).cost});
  const ChannelShape one_channel = {1, 1, shape.outer * shape.channels * shape.inner};
  if (parts.scale || !parts.in_place)
    costs.push_back({"backward data", plan_channel_affine(recipe, parts.scale ? shape : one_channel, scale).cost});
  costs.push_back({"backward weights", plan_channel_sums(recipe, shape, sums).cost});
  return costs;
}

ChannelShape slopes_shape(const PReLUShape& s) {
  return {s.images, s.shared ? 1 : s.channels, s.shared ? s.channels * s.elements : s.elements};
}

std::vector<PassCost> prelu_costs(const Recipe& recipe, const PReLUShape& s) {
  const auto cost = [&](int function, int reads) {
    return plan_elementwise(recipe, function, reads, s.shared ? 1 : s.channels, s.images * s.channels, s.elements).cost;
  };
  const int sums = CHANNEL_A | CHANNEL_NEGATIVE_A | CHANNEL_PRODUCTS | CHANNEL_ADDS_PRODUCTS;
  return {{"forward", cost(ELEMENTWISE_RELU, ELEMENTWISE_READS_A)},
          {"backward data", cost(ELEMENTWISE_RELU_GRADIENT, ELEMENTWISE_READS_A | ELEMENTWISE_READS_C)},
          {"backward weights", plan_channel_sums(recipe, slopes_shape(s), sums).cost}};
}

}  // namespace barista::plan
