#include "layers/fpga_sigmoid_cross_entropy_loss_layer.hpp"

#include "layers/declined.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::kOnDevice;
using memory::Use;

template <typename Dtype>
void FPGASigmoidCrossEntropyLossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  SigmoidCrossEntropyLossLayer<Dtype>::LayerSetUp(bottom, top);
}

template <typename Dtype>
void FPGASigmoidCrossEntropyLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  SigmoidCrossEntropyLossLayer<Dtype>::Reshape(bottom, top);
  const ops::IgnoredLabel ignored = this->has_ignore_label_ ? ops::IgnoredLabel(this->ignore_label_) : std::nullopt;
  op_.reshape(this->layer_param_, bottom[0]->shape(), barista::layers::declined<Dtype>(bottom),
              [&](barista::device::DeviceManager& manager) {
                return std::make_unique<ops::SigmoidCrossEntropyLoss>(manager, bottom[0]->count(), ignored, divisor());
              });
}

template <typename Dtype>
std::optional<float> FPGASigmoidCrossEntropyLossLayer<Dtype>::divisor() {
  if (this->normalization_ == LossParameter_NormalizationMode_VALID) return std::nullopt;
  return static_cast<float>(this->get_normalizer(this->normalization_, -1));
}

template <typename Dtype>
void FPGASigmoidCrossEntropyLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_)
      return barista::layers::at_caffes_edge(this->layer_param_,
                                             [&] { forward_on_device(bottom, *this->sigmoid_output_, *top[0]); });
  }
  SigmoidCrossEntropyLossLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGASigmoidCrossEntropyLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                                           const vector<Blob<Dtype>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_ && !propagate_down[1]) {
      if (!propagate_down[0]) return;
      return barista::layers::at_caffes_edge(this->layer_param_,
                                             [&] { backward_on_device(*top[0], *this->sigmoid_output_, bottom); });
    }
  }
  SigmoidCrossEntropyLossLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGASigmoidCrossEntropyLossLayer<Dtype>::forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& sigmoid_blob,
                                                                const Blob<float>& top) {
  memory::Access src = memory::data(*bottom[0], Use::kRead), target = memory::data(*bottom[1], Use::kRead);
  memory::Access sigmoid = memory::data(sigmoid_blob, Use::kWrite), loss = memory::data(top, Use::kWrite);
  op_->forward(src.buffer(), target.buffer(), sigmoid.buffer(), loss.buffer());
}

// top's diff is the loss weight: the host sets it once, so it is copied once.
template <typename Dtype>
void FPGASigmoidCrossEntropyLossLayer<Dtype>::backward_on_device(const Blob<float>& top, const Blob<float>& sigmoid_blob,
                                                                 const vector<Blob<float>*>& bottom) {
  memory::Access sigmoid = memory::data(sigmoid_blob, Use::kRead), target = memory::data(*bottom[1], Use::kRead);
  memory::Access weight = memory::diff(top, Use::kRead), diff_src = memory::diff(*bottom[0], Use::kWrite);
  op_->backward(sigmoid.buffer(), target.buffer(), weight.buffer(), diff_src.buffer());
}

INSTANTIATE_CLASS(FPGASigmoidCrossEntropyLossLayer);
REGISTER_LAYER_CLASS(FPGASigmoidCrossEntropyLoss);

}  // namespace caffe
