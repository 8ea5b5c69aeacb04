#include "layers/fpga_scale_layer.hpp"

#include <optional>
#include <utility>

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::device::Buffer;
using barista::device::Program;
using memory::Access;
using memory::Use;

namespace {

// The axes of `bottom` around those of `numbers`, of which it has one for each position from `axis` on. One number without axes is
// for all of it.
ops::ChannelShape shape_around(const Blob<float>& bottom, const Blob<float>& numbers, int axis) {
  const int first = numbers.num_axes() == 0 ? 0 : bottom.CanonicalAxisIndex(axis);
  return {bottom.count(0, first), numbers.count(), bottom.count(first + numbers.num_axes())};
}

// What both layers do on the device; a blob that is null is not there, or not wanted.

std::optional<Access> data_of(Program& program, const Blob<float>* numbers) {
  if (numbers == nullptr) return std::nullopt;
  return memory::data(*numbers, Use::kRead, program.device());
}

std::optional<Access> diff_of(Program& program, const Blob<float>* numbers, bool adds) {
  if (numbers == nullptr) return std::nullopt;
  return memory::diff(*numbers, adds ? Use::kReadWrite : Use::kWrite, program.device());
}

Buffer* buffer_of(std::optional<Access>& access) { return access ? &access->buffer() : nullptr; }

// `kept` gets a copy of a bottom that is worked on in place.
void forward(Program& program, const ops::ChannelShape& shape, const Blob<float>& bottom, const Blob<float>* scale,
             const Blob<float>* bias, const Blob<float>& top, const Blob<float>* kept) {
  std::optional<Access> scales = data_of(program, scale), biases = data_of(program, bias);
  if (&bottom != &top) {
    Access src = memory::data(bottom, Use::kRead, program.device()), dst = memory::data(top, Use::kWrite, program.device());
    return ops::scale_forward(program, shape, src.buffer(), buffer_of(scales), buffer_of(biases), dst.buffer());
  }
  Access both = memory::data(top, Use::kReadWrite, program.device());
  std::optional<Access> copy;
  if (kept != nullptr) copy.emplace(memory::data(*kept, Use::kWrite, program.device()));
  ops::scale_forward(program, shape, both.buffer(), buffer_of(scales), buffer_of(biases), both.buffer(), buffer_of(copy));
}

// The same in place, fused into the launch that makes `blob`. False where that can't be.
bool fuse(Program& program, ops::AffinePostOp& post_op, const ops::ChannelShape& shape, const Blob<float>& blob,
          const Blob<float>* scale, const Blob<float>* bias) {
  std::optional<Access> scales = data_of(program, scale), biases = data_of(program, bias);
  Access both = memory::data(blob, Use::kReadWrite, program.device());
  return post_op.fuse(program, shape, both.buffer(), [&] {
    ops::ChannelAffine affine = {};
    affine.scale = buffer_of(scales);
    affine.shift = buffer_of(biases);
    return affine;
  });
}

void backward(Program& program, const ops::ChannelShape& shape, const Blob<float>& top, const Blob<float>* scale,
              const Blob<float>& bottom) {
  std::optional<Access> scales = data_of(program, scale);
  if (&bottom != &top) {
    Access diff_dst = memory::diff(top, Use::kRead, program.device()),
           diff_src = memory::diff(bottom, Use::kWrite, program.device());
    return ops::scale_backward(program, shape, diff_dst.buffer(), buffer_of(scales), diff_src.buffer());
  }
  Access both = memory::diff(top, Use::kReadWrite, program.device());
  ops::scale_backward(program, shape, both.buffer(), buffer_of(scales), both.buffer());
}

// `src` is what forward read.
void backward_parameters(Program& program, const ops::ChannelShape& shape, const Blob<float>& src, const Blob<float>& top,
                         const Blob<float>* scale, bool adds_to_scale, const Blob<float>* bias, bool adds_to_bias) {
  std::optional<Access> values = data_of(program, scale != nullptr ? &src : nullptr);
  std::optional<Access> diff_scale = diff_of(program, scale, adds_to_scale), diff_bias = diff_of(program, bias, adds_to_bias);
  Access diff_dst = memory::diff(top, Use::kRead, program.device());
  ops::scale_backward_parameters(program, shape, buffer_of(values), diff_dst.buffer(), {buffer_of(diff_scale), adds_to_scale},
                                 {buffer_of(diff_bias), adds_to_bias});
}

}  // namespace

// --- Scale ---------------------------------------------------------------------------------------------------------------------------

template <>
const Blob<float>& FPGAScaleLayer<float>::scale_of(const vector<Blob<float>*>& bottom) const {
  return bottom.size() > 1 ? *bottom[1] : *blobs_[0];
}

// Null where it has none.
template <>
const Blob<float>* FPGAScaleLayer<float>::bias() const {
  return bias_layer_ ? blobs_[bias_param_id_].get() : nullptr;
}

template <>
std::string FPGAScaleLayer<float>::why_stock_code(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& /*top*/) const {
  const bool fits = bias() == nullptr || bias()->shape() == scale_of(bottom).shape();
  return fits ? "" : "its weights have a bias of another shape than the scale's";
}

// A learnt scale's gradient is added to, as everywhere in Caffe, but for two shapes of which stock Caffe overwrites it: a scale of all of
// the bottom, and several scales from the first axis on.
template <>
bool FPGAScaleLayer<float>::adds_to_scale(const vector<Blob<float>*>& bottom) const {
  if (bottom.size() > 1 || bottom[0]->count() == scale_dim_) return false;
  return outer_dim_ != 1 || scale_dim_ == 1;
}

template <>
void FPGAScaleLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  const Blob<float>& scale = scale_of(bottom);
  const ops::ChannelShape shape = shape_around(*bottom[0], scale, axis_);
  is_fused_ = bottom[0] == top[0] && phase_ == TEST && fuse(program(), post_op_, shape, *top[0], &scale, bias());
  if (!is_fused_) forward(program(), shape, *bottom[0], &scale, bias(), *top[0], &temp_);
}

// Parameters first: the gradient of the bottom may overwrite that of the top.
template <>
void FPGAScaleLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down,
                                               const vector<Blob<float>*>& bottom) {
  const Blob<float>& scale = scale_of(bottom);
  const ops::ChannelShape shape = shape_around(*bottom[0], scale, axis_);
  const bool of_scale = bottom.size() > 1 ? propagate_down[1] : param_propagate_down_[0];
  const bool of_bias = bias() != nullptr && param_propagate_down_[bias_param_id_];
  if (std::exchange(is_fused_, false) && of_scale) {
    Access kept = data(temp_, Use::kWrite);
    post_op_.write_without(program(), kept.buffer());
  }
  backward_parameters(program(), shape, bottom[0] == top[0] ? temp_ : *bottom[0], *top[0], of_scale ? &scale : nullptr,
                      adds_to_scale(bottom), of_bias ? bias() : nullptr, true);
  if (propagate_down[0]) backward(program(), shape, *top[0], &scale, *bottom[0]);
}

INSTANTIATE_CLASS(FPGAScaleLayer);
REGISTER_LAYER_CLASS(FPGAScale);

// --- Bias ----------------------------------------------------------------------------------------------------------------------------

template <>
const Blob<float>& FPGABiasLayer<float>::bias_of(const vector<Blob<float>*>& bottom) const {
  return bottom.size() > 1 ? *bottom[1] : *blobs_[0];
}

template <>
void FPGABiasLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  const Blob<float>& bias = bias_of(bottom);
  const ops::ChannelShape shape = shape_around(*bottom[0], bias, layer_param_.bias_param().axis());
  if (bottom[0] == top[0] && fuse(program(), post_op_, shape, *top[0], nullptr, &bias)) return;
  forward(program(), shape, *bottom[0], nullptr, &bias, *top[0], nullptr);
}

// In place, the gradient of the bottom is that of the top already.
template <>
void FPGABiasLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down,
                                              const vector<Blob<float>*>& bottom) {
  const Blob<float>& bias = bias_of(bottom);
  const bool learnt = bottom.size() == 1;
  if (learnt ? param_propagate_down_[0] : propagate_down[1]) {
    const ops::ChannelShape shape = shape_around(*bottom[0], bias, layer_param_.bias_param().axis());
    backward_parameters(program(), shape, *bottom[0], *top[0], nullptr, false, &bias, learnt);
  }
  if (propagate_down[0] && bottom[0] != top[0]) backward(program(), {1, 1, top[0]->count()}, *top[0], nullptr, *bottom[0]);
}

INSTANTIATE_CLASS(FPGABiasLayer);
REGISTER_LAYER_CLASS(FPGABias);

}  // namespace caffe
