#include "layers/fpga_sigmoid_cross_entropy_loss_layer.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using memory::Access;
using memory::Use;

template <>
std::optional<float> FPGASigmoidCrossEntropyLossLayer<float>::divisor() {
  if (normalization_ == LossParameter_NormalizationMode_VALID) return std::nullopt;
  return get_normalizer(normalization_, -1);
}

template <>
void FPGASigmoidCrossEntropyLossLayer<float>::plan(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& /*top*/) {
  const ops::IgnoredLabel ignored = has_ignore_label_ ? ops::IgnoredLabel(ignore_label_) : std::nullopt;
  op_ = std::make_unique<ops::SigmoidCrossEntropyLoss>(program(), bottom[0]->count(), ignored, divisor());
}

template <>
void FPGASigmoidCrossEntropyLossLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom,
                                                                const vector<Blob<float>*>& top) {
  Access src = data(*bottom[0], Use::kRead), target = data(*bottom[1], Use::kRead);
  Access sigmoid = data(*sigmoid_output_, Use::kWrite), loss = data(*top[0], Use::kWrite);
  op_->forward(src.buffer(), target.buffer(), sigmoid.buffer(), loss.buffer());
}

// top's diff is the loss weight: the host sets it once, so it is copied once.
template <>
void FPGASigmoidCrossEntropyLossLayer<float>::backward_on_device(const vector<Blob<float>*>& top,
                                                                 const vector<bool>& propagate_down,
                                                                 const vector<Blob<float>*>& bottom) {
  if (propagate_down[1]) return DeviceLayer::backward_on_device(top, propagate_down, bottom);
  Access sigmoid = data(*sigmoid_output_, Use::kRead), target = data(*bottom[1], Use::kRead);
  Access weight = diff(*top[0], Use::kRead), diff_src = diff(*bottom[0], Use::kWrite);
  op_->backward(sigmoid.buffer(), target.buffer(), weight.buffer(), diff_src.buffer());
}

INSTANTIATE_CLASS(FPGASigmoidCrossEntropyLossLayer);
REGISTER_LAYER_CLASS(FPGASigmoidCrossEntropyLoss);

}  // namespace caffe
