#include "layers/fpga_euclidean_loss_layer.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using memory::Access;
using memory::Use;

template <>
void FPGAEuclideanLossLayer<float>::plan(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& /*top*/) {
  op_ = std::make_unique<ops::EuclideanLoss>(program(), bottom[0]->count(), bottom[0]->num());
}

template <>
void FPGAEuclideanLossLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  Access src = data(*bottom[0], Use::kRead), target = data(*bottom[1], Use::kRead);
  Access difference = data(diff_, Use::kWrite), loss = data(*top[0], Use::kWrite);
  op_->forward(src.buffer(), target.buffer(), difference.buffer(), loss.buffer());
}

// top's diff is the loss weight: the host sets it once, so it is copied once.
template <>
void FPGAEuclideanLossLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down,
                                                       const vector<Blob<float>*>& bottom) {
  Access difference = data(diff_, Use::kRead), weight = diff(*top[0], Use::kRead);
  for (std::size_t i = 0; i < 2; i++) {
    if (!propagate_down[i]) continue;
    Access diff_src = diff(*bottom[i], Use::kWrite);
    op_->backward(difference.buffer(), weight.buffer(), i == 0 ? 1 : -1, diff_src.buffer());
  }
}

INSTANTIATE_CLASS(FPGAEuclideanLossLayer);
REGISTER_LAYER_CLASS(FPGAEuclideanLoss);

}  // namespace caffe
