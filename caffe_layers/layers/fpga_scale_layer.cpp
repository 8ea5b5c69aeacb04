#include "layers/fpga_scale_layer.hpp"

#include <optional>
#include <utility>

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::device::Buffer;
using barista::device::DeviceManager;
using barista::layers::kOnDevice;
using memory::Access;
using memory::Use;

namespace {

// The axes of `bottom` around those of `numbers`, of which it has one for each position from `axis` on. One number without axes is
// for all of it.
template <typename Dtype>
ops::ChannelShape shape_around(const Blob<Dtype>& bottom, const Blob<Dtype>& numbers, int axis) {
  const int first = numbers.num_axes() == 0 ? 0 : bottom.CanonicalAxisIndex(axis);
  return {bottom.count(0, first), numbers.count(), bottom.count(first + numbers.num_axes())};
}

// What both layers do on the device; a blob that is null is not there, or not wanted.

std::optional<Access> data_of(const Blob<float>* numbers) {
  if (numbers == nullptr) return std::nullopt;
  return memory::data(*numbers, Use::kRead);
}

std::optional<Access> diff_of(const Blob<float>* numbers, bool adds) {
  if (numbers == nullptr) return std::nullopt;
  return memory::diff(*numbers, adds ? Use::kReadWrite : Use::kWrite);
}

Buffer* buffer_of(std::optional<Access>& access) { return access ? &access->buffer() : nullptr; }

// `kept` gets a copy of a bottom that is worked on in place.
void forward(const ops::ChannelShape& shape, const Blob<float>& bottom, const Blob<float>* scale, const Blob<float>* bias,
             const Blob<float>& top, const Blob<float>* kept) {
  DeviceManager& manager = DeviceManager::instance();
  std::optional<Access> scales = data_of(scale), biases = data_of(bias);
  if (&bottom != &top) {
    Access src = memory::data(bottom, Use::kRead), dst = memory::data(top, Use::kWrite);
    return ops::scale_forward(manager, shape, src.buffer(), buffer_of(scales), buffer_of(biases), dst.buffer());
  }
  Access both = memory::data(top, Use::kReadWrite);
  std::optional<Access> copy;
  if (kept != nullptr) copy.emplace(memory::data(*kept, Use::kWrite));
  ops::scale_forward(manager, shape, both.buffer(), buffer_of(scales), buffer_of(biases), both.buffer(), buffer_of(copy));
}

// The same in place, put into the store of whoever makes `blob`. False where that can't be.
bool put_in_store(ops::AffineInStore& in_store, const ops::ChannelShape& shape, const Blob<float>& blob, const Blob<float>* scale,
                  const Blob<float>* bias) {
  std::optional<Access> scales = data_of(scale), biases = data_of(bias);
  Access both = memory::data(blob, Use::kReadWrite);
  return in_store.put(DeviceManager::instance(), shape, both.buffer(), [&] {
    ops::ChannelAffine affine = {};
    affine.scale = buffer_of(scales);
    affine.shift = buffer_of(biases);
    return affine;
  });
}

void backward(const ops::ChannelShape& shape, const Blob<float>& top, const Blob<float>* scale, const Blob<float>& bottom) {
  DeviceManager& manager = DeviceManager::instance();
  std::optional<Access> scales = data_of(scale);
  if (&bottom != &top) {
    Access diff_dst = memory::diff(top, Use::kRead), diff_src = memory::diff(bottom, Use::kWrite);
    return ops::scale_backward(manager, shape, diff_dst.buffer(), buffer_of(scales), diff_src.buffer());
  }
  Access both = memory::diff(top, Use::kReadWrite);
  ops::scale_backward(manager, shape, both.buffer(), buffer_of(scales), both.buffer());
}

// `src` is what forward read.
void backward_parameters(const ops::ChannelShape& shape, const Blob<float>& src, const Blob<float>& top, const Blob<float>* scale,
                         bool adds_to_scale, const Blob<float>* bias, bool adds_to_bias) {
  std::optional<Access> values = data_of(scale != nullptr ? &src : nullptr);
  std::optional<Access> diff_scale = diff_of(scale, adds_to_scale), diff_bias = diff_of(bias, adds_to_bias);
  Access diff_dst = memory::diff(top, Use::kRead);
  ops::scale_backward_parameters(DeviceManager::instance(), shape, buffer_of(values), diff_dst.buffer(),
                                 {buffer_of(diff_scale), adds_to_scale}, {buffer_of(diff_bias), adds_to_bias});
}

}  // namespace

// --- Scale ---------------------------------------------------------------------------------------------------------------------------

template <typename Dtype>
const Blob<Dtype>& FPGAScaleLayer<Dtype>::scale_of(const vector<Blob<Dtype>*>& bottom) const {
  return bottom.size() > 1 ? *bottom[1] : *this->blobs_[0];
}

template <typename Dtype>
void FPGAScaleLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  ScaleLayer<Dtype>::LayerSetUp(bottom, top);
}

template <typename Dtype>
void FPGAScaleLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  ScaleLayer<Dtype>::Reshape(bottom, top);
  runs_.reshape(this->layer_param_, why_stock_code(bottom));
}

template <typename Dtype>
std::string FPGAScaleLayer<Dtype>::why_stock_code(const vector<Blob<Dtype>*>& bottom) const {
  if (this->bias_layer_ && this->blobs_[this->bias_param_id_]->shape() != scale_of(bottom).shape())
    return "its weights have a bias of another shape than the scale's";
  return barista::layers::declined<Dtype>(bottom);
}

// A learnt scale's gradient is added to, as everywhere in Caffe, but for two shapes of which stock Caffe overwrites it: a scale of all of
// the bottom, and several scales from the first axis on.
template <typename Dtype>
bool FPGAScaleLayer<Dtype>::adds_to_scale(const vector<Blob<Dtype>*>& bottom) const {
  if (bottom.size() > 1 || bottom[0]->count() == this->scale_dim_) return false;
  return this->outer_dim_ != 1 || this->scale_dim_ == 1;
}

template <typename Dtype>
void FPGAScaleLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    if (runs_.on_device()) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(bottom, *top[0]); });
  }
  ScaleLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGAScaleLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    if (runs_.on_device()) {
      return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(*top[0], propagate_down, bottom); });
    }
  }
  ScaleLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGAScaleLayer<Dtype>::forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& top) {
  if constexpr (kOnDevice<Dtype>) {
    const Blob<float>& scale = scale_of(bottom);
    const Blob<float>* bias = this->bias_layer_ ? this->blobs_[this->bias_param_id_].get() : nullptr;
    const ops::ChannelShape shape = shape_around(*bottom[0], scale, this->axis_);
    is_in_store_ = bottom[0] == &top && this->phase_ == TEST && put_in_store(in_store_, shape, top, &scale, bias);
    if (!is_in_store_) forward(shape, *bottom[0], &scale, bias, top, &this->temp_);
  }
}

// Parameters first: the gradient of the bottom may overwrite that of the top.
template <typename Dtype>
void FPGAScaleLayer<Dtype>::backward_on_device(const Blob<float>& top, const vector<bool>& propagate_down,
                                               const vector<Blob<float>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    const Blob<float>& scale = scale_of(bottom);
    const ops::ChannelShape shape = shape_around(*bottom[0], scale, this->axis_);
    const bool of_scale = bottom.size() > 1 ? propagate_down[1] : this->param_propagate_down_[0];
    const bool of_bias = this->bias_layer_ && this->param_propagate_down_[this->bias_param_id_];
    if (std::exchange(is_in_store_, false) && of_scale) {
      Access kept = memory::data(this->temp_, Use::kWrite);
      in_store_.write_without(DeviceManager::instance(), kept.buffer());
    }
    backward_parameters(shape, bottom[0] == &top ? this->temp_ : *bottom[0], top, of_scale ? &scale : nullptr,
                        adds_to_scale(bottom), of_bias ? this->blobs_[this->bias_param_id_].get() : nullptr, true);
    if (propagate_down[0]) backward(shape, top, &scale, *bottom[0]);
  }
}

INSTANTIATE_CLASS(FPGAScaleLayer);
REGISTER_LAYER_CLASS(FPGAScale);

// --- Bias ----------------------------------------------------------------------------------------------------------------------------

template <typename Dtype>
const Blob<Dtype>& FPGABiasLayer<Dtype>::bias_of(const vector<Blob<Dtype>*>& bottom) const {
  return bottom.size() > 1 ? *bottom[1] : *this->blobs_[0];
}

template <typename Dtype>
void FPGABiasLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  BiasLayer<Dtype>::LayerSetUp(bottom, top);
}

template <typename Dtype>
void FPGABiasLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  BiasLayer<Dtype>::Reshape(bottom, top);
  runs_.reshape(this->layer_param_, barista::layers::declined<Dtype>(bottom));
}

template <typename Dtype>
void FPGABiasLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    if (runs_.on_device()) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(bottom, *top[0]); });
  }
  BiasLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGABiasLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                        const vector<Blob<Dtype>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    if (runs_.on_device())
      return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(*top[0], propagate_down, bottom); });
  }
  BiasLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGABiasLayer<Dtype>::forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& top) {
  if constexpr (kOnDevice<Dtype>) {
    const Blob<float>& bias = bias_of(bottom);
    const ops::ChannelShape shape = shape_around(*bottom[0], bias, this->layer_param_.bias_param().axis());
    if (bottom[0] == &top && put_in_store(in_store_, shape, top, nullptr, &bias)) return;
    forward(shape, *bottom[0], nullptr, &bias, top, nullptr);
  }
}

// In place, the gradient of the bottom is that of the top already.
template <typename Dtype>
void FPGABiasLayer<Dtype>::backward_on_device(const Blob<float>& top, const vector<bool>& propagate_down,
                                              const vector<Blob<float>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    const Blob<float>& bias = bias_of(bottom);
    const bool learnt = bottom.size() == 1;
    if (learnt ? this->param_propagate_down_[0] : propagate_down[1]) {
      const ops::ChannelShape shape = shape_around(*bottom[0], bias, this->layer_param_.bias_param().axis());
      backward_parameters(shape, *bottom[0], top, nullptr, false, &bias, learnt);
    }
    if (propagate_down[0] && bottom[0] != &top) backward({1, 1, top.count()}, top, nullptr, *bottom[0]);
  }
}

INSTANTIATE_CLASS(FPGABiasLayer);
REGISTER_LAYER_CLASS(FPGABias);

}  // namespace caffe
