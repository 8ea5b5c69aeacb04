#include "ops/post_ops.hpp"

#include <vector>

namespace barista::ops {
namespace {

using device::Argument;
using device::Buffer;
using device::DeferredLaunch;
using device::PostOps;

// Made on first use, of a number a channel.
Buffer& room_for(Buffer& buffer, device::Program& program, int channels) {
  if (!buffer) buffer = program.device().allocate(channels * sizeof(float));
  return buffer;
}

}  // namespace

multiply_store as_store(const PostOps& post_ops, bool adds) {
  multiply_store store = {};
  store.scales = post_ops.scale ? 1 : 0;
  store.offsets = post_ops.offset ? 1 : 0;
  store.rectifies = post_ops.rectify ? 1 : 0;
  store.adds = adds ? 1 : 0;
  return store;
}

bool fuse_rectify(device::Program& program, const Buffer& dst) {
  return program.fuse(dst, [](const DeferredLaunch& launch) {
    PostOps post_ops = launch.post_ops;
    post_ops.rectify = true;
    return std::optional(post_ops);
  });
}

bool AffinePostOp::fuse(device::Program& program, const ChannelShape& shape, const Buffer& dst,
                        const std::function<ChannelAffine()>& operands) {
  return program.fuse(dst, [&](const DeferredLaunch& launch) -> std::optional<PostOps> {
    PostOps post_ops = launch.post_ops;
    if (post_ops.rectify || launch.images != shape.outer || launch.channels != shape.channels) return std::nullopt;
    without_ = launch;
    const ChannelAffine affine = operands();
    const ChannelShape numbers = {1, shape.channels, 1};

    // (sum * scale + offset - centre) * factor + shift = sum * (scale * factor) + ((offset - centre) * factor + shift)
    if (affine.scale != nullptr && post_ops.scale) {
      const Buffer before = post_ops.scale->buffer();
      ChannelAffine product = {&before};
      product.scale = affine.scale;
      channel_affine(program, numbers, product, room_for(scale_, program, shape.channels));
      post_ops.scale = Argument::in(scale_);
    } else if (affine.scale != nullptr) {
      post_ops.scale = Argument::in(*affine.scale);
    }
    Buffer offset;
    if (post_ops.offset) offset = post_ops.offset->buffer();
    if (!post_ops.offset && !zeros_) {
      const std::vector<float> zeros(shape.channels);
      zeros_ = program.device().allocate(zeros.size() * sizeof(float));
      program.device().upload(zeros_, zeros.data(), zeros_.bytes());
    }
    ChannelAffine sum = {post_ops.offset ? &offset : &zeros_};
    sum.centre = affine.centre;
    sum.scale = affine.scale;
    sum.shift = affine.shift;
    channel_affine(program, numbers, sum, room_for(offset_, program, shape.channels));
    post_ops.offset = Argument::in(offset_);
    return post_ops;
  });
}

void AffinePostOp::write_without(device::Program& program, Buffer& kept) const {
  program.launch(without_->launches(without_->post_ops, Argument::out(kept)));
}

}  // namespace barista::ops
