#include "ops/batch_norm.hpp"

#include "interface/batch_norm_rule.h"
#include "plan/normalisation.hpp"

namespace barista::ops {

using device::Argument;

BatchNorm::BatchNorm(device::Program& program, const ChannelShape& shape, float eps) : program_(program), shape_(shape), eps_(eps) {
  plan::validate_batch_norm(shape);
  for (device::Buffer* buffer : {&mean_, &variance_, &scale_, &mean_of_diff_, &mean_of_product_})
    *buffer = program.device().allocate(shape.channels * sizeof(float));
}

float BatchNorm::values() const { return static_cast<float>(shape_.outer) * static_cast<float>(shape_.inner); }

void BatchNorm::statistics(const MovingStatistics& moving, bool takes_moving, float fraction) {
  const float n = values();
  const batch_norm_rule rule = {shape_.channels, takes_moving ? 1 : 0, fraction, n > 1 ? n / (n - 1) : 1, eps_};
  const auto moved = [&](device::Buffer& buffer) { return takes_moving ? Argument::in(buffer) : Argument::inout(buffer); };
  program_.launch({{"batch_norm_statistics",
                    0,
                    {takes_moving ? Argument::out(mean_) : Argument::in(mean_), Argument::in(variance_), moved(moving.mean),
                     moved(moving.variance), moved(moving.factor), Argument::out(scale_), Argument::value(rule)}}});
}

void BatchNorm::forward(const device::Buffer& src, const MovingStatistics& moving, float fraction, device::Buffer& dst,
                        device::Buffer& normalised) {
  ChannelTerms terms = {&src};
  terms.divisor = values();
  channel_sums(program_, shape_, terms, {}, {&mean_});
  terms.centre = &mean_;
  channel_sums(program_, shape_, terms, {&variance_}, {});
  statistics(moving, false, fraction);
  ChannelAffine operands = {&src};
  operands.centre = &mean_;
  operands.scale = &scale_;
  const ChannelCopy copy = {ChannelCopy::Of::kDst, normalised};
  channel_affine(program_, shape_, operands, dst, &copy);
}

void BatchNorm::forward_global(const device::Buffer& src, const MovingStatistics& moving, device::Buffer& dst) {
  const auto operands = [&] {
    statistics(moving, true, 1);
    ChannelAffine affine = {&src};
    affine.centre = &mean_;
    affine.scale = &scale_;
    return affine;
  };
  if (&src == &dst && post_op_.fuse(program_, shape_, dst, operands)) return;
  channel_affine(program_, shape_, operands(), dst);
}

void BatchNorm::backward(const device::Buffer& normalised, const device::Buffer& diff_dst, device::Buffer& diff_src) {
  ChannelTerms terms = {&diff_dst, &normalised};
  terms.divisor = values();
  channel_sums(program_, shape_, terms, {&mean_of_product_}, {&mean_of_diff_});
  ChannelAffine operands = {&diff_dst, &normalised};
  operands.centre = &mean_of_diff_;
  operands.slope = &mean_of_product_;
  operands.scale = &scale_;
  channel_affine(program_, shape_, operands, diff_src);
}

void BatchNorm::backward_global(const device::Buffer& diff_dst, device::Buffer& diff_src) {
  ChannelAffine operands = {&diff_dst};
  operands.scale = &scale_;
  channel_affine(program_, shape_, operands, diff_src);
}

}  // namespace barista::ops
