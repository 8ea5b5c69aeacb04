#include "layers/fpga_softmax_loss_layer.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using memory::Access;
using memory::Use;

// Stock code hands the layer's loss weights to a softmax of its own, which has one top and refuses two weights, and without any
// gives the loss one and refuses the second top. So it sees none, and what the second top is to weigh is said after it.
template <typename Dtype>
void FPGASoftmaxWithLossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  const LayerParameter given = this->layer_param_;
  if (top.size() > 1) this->layer_param_.clear_loss_weight();
  FPGASoftmaxWithLossLayer::DeviceLayer::LayerSetUp(bottom, top);
  if (top.size() == 1) return;
  *this->layer_param_.mutable_loss_weight() = given.loss_weight();
  if (given.loss_weight_size() > 0) return;
  this->layer_param_.add_loss_weight(1);
  this->layer_param_.add_loss_weight(0);
}

template <>
std::optional<float> FPGASoftmaxWithLossLayer<float>::divisor() {
  if (normalization_ == LossParameter_NormalizationMode_VALID) return std::nullopt;
  return get_normalizer(normalization_, -1);
}

template <>
void FPGASoftmaxWithLossLayer<float>::plan(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& /*top*/) {
  const ops::ClassAxis axis = {outer_num_, bottom[0]->shape(softmax_axis_), inner_num_};
  const ops::IgnoredLabel ignored = has_ignore_label_ ? ops::IgnoredLabel(ignore_label_) : std::nullopt;
  op_ = std::make_unique<ops::SoftmaxLoss>(program(), axis, ignored, divisor());
}

template <>
void FPGASoftmaxWithLossLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  barista::layers::check_labels_on_host(layer_param_, bottom);
  Access src = data(*bottom[0], Use::kRead), labels = data(*bottom[1], Use::kRead);
  Access prob = data(prob_, Use::kWrite), loss = data(*top[0], Use::kWrite);
  op_->forward(src.buffer(), labels.buffer(), prob.buffer(), loss.buffer());
  if (top.size() > 1) top[1]->ShareData(prob_);
}

// top's diff is the loss weight: the host sets it once, so it is copied once.
template <>
void FPGASoftmaxWithLossLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down,
                                                         const vector<Blob<float>*>& bottom) {
  if (propagate_down[1]) return DeviceLayer::backward_on_device(top, propagate_down, bottom);
  Access prob = data(prob_, Use::kRead), labels = data(*bottom[1], Use::kRead);
  Access weight = diff(*top[0], Use::kRead), diff_src = diff(*bottom[0], Use::kWrite);
  op_->backward(prob.buffer(), labels.buffer(), weight.buffer(), diff_src.buffer());
}

INSTANTIATE_CLASS(FPGASoftmaxWithLossLayer);
REGISTER_LAYER_CLASS(FPGASoftmaxWithLoss);

}  // namespace caffe
