#include "layers/fpga_euclidean_loss_layer.hpp"

#include "layers/declined.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::kOnDevice;
using memory::Use;

template <typename Dtype>
void FPGAEuclideanLossLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  EuclideanLossLayer<Dtype>::LayerSetUp(bottom, top);
}

template <typename Dtype>
void FPGAEuclideanLossLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  EuclideanLossLayer<Dtype>::Reshape(bottom, top);
  op_.reshape(this->layer_param_, bottom[0]->shape(), barista::layers::declined<Dtype>(bottom),
              [&](barista::device::DeviceManager& manager) {
                return std::make_unique<ops::EuclideanLoss>(manager, bottom[0]->count(), bottom[0]->num());
              });
}

template <typename Dtype>
void FPGAEuclideanLossLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(bottom, this->diff_, *top[0]); });
  }
  EuclideanLossLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGAEuclideanLossLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                                 const vector<Blob<Dtype>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_) {
      return barista::layers::at_caffes_edge(this->layer_param_,
                                             [&] { backward_on_device(*top[0], this->diff_, propagate_down, bottom); });
    }
  }
  EuclideanLossLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGAEuclideanLossLayer<Dtype>::forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& difference_blob,
                                                      const Blob<float>& top) {
  memory::Access src = memory::data(*bottom[0], Use::kRead), target = memory::data(*bottom[1], Use::kRead);
  memory::Access difference = memory::data(difference_blob, Use::kWrite), loss = memory::data(top, Use::kWrite);
  op_->forward(src.buffer(), target.buffer(), difference.buffer(), loss.buffer());
}

// top's diff is the loss weight: the host sets it once, so it is copied once.
template <typename Dtype>
void FPGAEuclideanLossLayer<Dtype>::backward_on_device(const Blob<float>& top, const Blob<float>& difference_blob,
                                                       const vector<bool>& propagate_down, const vector<Blob<float>*>& bottom) {
  memory::Access difference = memory::data(difference_blob, Use::kRead), weight = memory::diff(top, Use::kRead);
  for (std::size_t i = 0; i < 2; i++) {
    if (!propagate_down[i]) continue;
    memory::Access diff = memory::diff(*bottom[i], Use::kWrite);
    op_->backward(difference.buffer(), weight.buffer(), i == 0 ? 1 : -1, diff.buffer());
  }
}

INSTANTIATE_CLASS(FPGAEuclideanLossLayer);
REGISTER_LAYER_CLASS(FPGAEuclideanLoss);

}  // namespace caffe
