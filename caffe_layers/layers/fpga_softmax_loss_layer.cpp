#include "layers/fpga_softmax_loss_layer.hpp"

#include "layers/declined.hpp"
#include "layers/label_check.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::kOnDevice;
using memory::Use;

// Stock code hands the layer's loss weights to a softmax of its own, which has one top and refuses two weights, and without any
// gives the loss one and refuses the second top. So it sees none, and what the second top is to weigh is said after it.
template <typename Dtype>
void FPGASoftmaxWithLossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  const LayerParameter given = this->layer_param_;
  if (top.size() > 1) this->layer_param_.clear_loss_weight();
  SoftmaxWithLossLayer<Dtype>::LayerSetUp(bottom, top);
  if (top.size() == 1) return;
  *this->layer_param_.mutable_loss_weight() = given.loss_weight();
  if (given.loss_weight_size() > 0) return;
  this->layer_param_.add_loss_weight(1);
  this->layer_param_.add_loss_weight(0);
}

template <typename Dtype>
void FPGASoftmaxWithLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  SoftmaxWithLossLayer<Dtype>::Reshape(bottom, top);
  const ops::ClassAxis axis = {this->outer_num_, bottom[0]->shape(this->softmax_axis_), this->inner_num_};
  const ops::IgnoredLabel ignored = this->has_ignore_label_ ? ops::IgnoredLabel(this->ignore_label_) : std::nullopt;
  op_.reshape(this->layer_param_, bottom[0]->shape(), barista::layers::declined<Dtype>(bottom),
              [&](barista::device::DeviceManager& manager) {
                return std::make_unique<ops::SoftmaxLoss>(manager, axis, ignored, divisor());
              });
}

template <typename Dtype>
std::optional<float> FPGASoftmaxWithLossLayer<Dtype>::divisor() {
  if (this->normalization_ == LossParameter_NormalizationMode_VALID) return std::nullopt;
  return static_cast<float>(this->get_normalizer(this->normalization_, -1));
}

template <typename Dtype>
void FPGASoftmaxWithLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_) {
      barista::layers::check_labels_on_host(this->layer_param_, bottom);
      return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(bottom, this->prob_, top); });
    }
  }
  barista::layers::check_labels(this->layer_param_, bottom);
  SoftmaxWithLossLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGASoftmaxWithLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                                   const vector<Blob<Dtype>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_ && !propagate_down[1]) {
      if (!propagate_down[0]) return;
      return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(*top[0], this->prob_, bottom); });
    }
  }
  SoftmaxWithLossLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGASoftmaxWithLossLayer<Dtype>::forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& prob_blob,
                                                        const vector<Blob<float>*>& top) {
  memory::Access src = memory::data(*bottom[0], Use::kRead), labels = memory::data(*bottom[1], Use::kRead);
  memory::Access prob = memory::data(prob_blob, Use::kWrite), loss = memory::data(*top[0], Use::kWrite);
  op_->forward(src.buffer(), labels.buffer(), prob.buffer(), loss.buffer());
  if (top.size() > 1) top[1]->ShareData(prob_blob);
}

// top's diff is the loss weight: the host sets it once, so it is copied once.
template <typename Dtype>
void FPGASoftmaxWithLossLayer<Dtype>::backward_on_device(const Blob<float>& top, const Blob<float>& prob_blob,
                                                         const vector<Blob<float>*>& bottom) {
  memory::Access prob = memory::data(prob_blob, Use::kRead), labels = memory::data(*bottom[1], Use::kRead);
  memory::Access weight = memory::diff(top, Use::kRead), diff_src = memory::diff(*bottom[0], Use::kWrite);
  op_->backward(prob.buffer(), labels.buffer(), weight.buffer(), diff_src.buffer());
}

INSTANTIATE_CLASS(FPGASoftmaxWithLossLayer);
REGISTER_LAYER_CLASS(FPGASoftmaxWithLoss);

}  // namespace caffe
