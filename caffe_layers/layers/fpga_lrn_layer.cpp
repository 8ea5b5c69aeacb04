#include "layers/fpga_lrn_layer.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::kOnDevice;
using memory::Use;

template <typename Dtype>
void FPGALRNLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  LRNLayer<Dtype>::LayerSetUp(bottom, top);
}

// What stock Caffe reshapes here for itself takes no memory until its own code runs.
template <typename Dtype>
void FPGALRNLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  LRNLayer<Dtype>::Reshape(bottom, top);
  if (bottom[0]->count() == 0) return;
  const ops::LRNShape shape = {this->num_, this->channels_, this->height_, this->width_};
  op_.reshape(this->layer_param_, bottom[0]->shape(), why_stock_code(*bottom[0], *top[0]),
              [&](barista::device::DeviceManager& manager) { return std::make_unique<ops::LRN>(manager, shape, function()); });
}

template <typename Dtype>
std::string FPGALRNLayer<Dtype>::why_stock_code(const Blob<Dtype>& bottom, const Blob<Dtype>& top) const {
  if (!kOnDevice<Dtype>) return "the net is of doubles, the device computes in single precision";
  return &bottom == &top ? "its top is its bottom, the device keeps them apart" : "";
}

template <typename Dtype>
ops::LRNFunction FPGALRNLayer<Dtype>::function() const {
  const bool within = this->layer_param_.lrn_param().norm_region() == LRNParameter_NormRegion_WITHIN_CHANNEL;
  return {within ? ops::LRNRegion::kWithinChannel : ops::LRNRegion::kAcrossChannels, this->size_, static_cast<float>(this->alpha_),
          static_cast<float>(this->beta_), within ? 1 : static_cast<float>(this->k_)};
}

template <typename Dtype>
void FPGALRNLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if (bottom[0]->count() == 0) return;
  if constexpr (kOnDevice<Dtype>) {
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(*bottom[0], *top[0]); });
  }
  LRNLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGALRNLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                       const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0] || bottom[0]->count() == 0) return;
  if constexpr (kOnDevice<Dtype>) {
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(*top[0], *bottom[0]); });
  }
  LRNLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGALRNLayer<Dtype>::forward_on_device(const Blob<float>& bottom, const Blob<float>& top) {
  memory::Access src = memory::data(bottom, Use::kRead), dst = memory::data(top, Use::kWrite);
  op_->forward(src.buffer(), dst.buffer());
}

template <typename Dtype>
void FPGALRNLayer<Dtype>::backward_on_device(const Blob<float>& top, const Blob<float>& bottom) {
  memory::Access src = memory::data(bottom, Use::kRead);
  memory::Access diff_dst = memory::diff(top, Use::kRead), diff_src = memory::diff(bottom, Use::kWrite);
  op_->backward(src.buffer(), diff_dst.buffer(), diff_src.buffer());
}

INSTANTIATE_CLASS(FPGALRNLayer);
REGISTER_LAYER_CLASS(FPGALRN);

}  // namespace caffe
