#include "ops/scale.hpp"

namespace barista::ops {

void scale_forward(device::Program& program, const ChannelShape& shape, const device::Buffer& src, const device::Buffer* scale,
                   const device::Buffer* bias, device::Buffer& dst, device::Buffer* kept) {
  ChannelAffine operands = {&src};
  operands.scale = scale;
  operands.shift = bias;
  if (kept == nullptr) return channel_affine(program, shape, operands, dst);
  const ChannelCopy copy = {ChannelCopy::Of::kSrc, *kept};
  channel_affine(program, shape, operands, dst, &copy);
}

void scale_backward(device::Program& program, const ChannelShape& shape, const device::Buffer& diff_dst,
                    const device::Buffer* scale, device::Buffer& diff_src) {
  scale_forward(program, shape, diff_dst, scale, nullptr, diff_src);
}

void scale_backward_parameters(device::Program& program, const ChannelShape& shape, const device::Buffer* src,
                               const device::Buffer& diff_dst, const ChannelSum& diff_scale, const ChannelSum& diff_bias) {
  channel_sums(program, shape, {&diff_dst, src}, diff_scale, diff_bias);
}

}  // namespace barista::ops
