#include "layers/fpga_lrn_layer.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using memory::Access;
using memory::Use;

template <>
std::string FPGALRNLayer<float>::why_stock_code(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) const {
  return bottom[0] == top[0] ? "its top is its bottom, the device keeps them apart" : "";
}

// What stock Caffe reshapes for itself takes no memory until its own code runs.
template <>
void FPGALRNLayer<float>::plan(const vector<Blob<float>*>& /*bottom*/, const vector<Blob<float>*>& /*top*/) {
  const bool within = layer_param_.lrn_param().norm_region() == LRNParameter_NormRegion_WITHIN_CHANNEL;
  const ops::LRNFunction function = {within ? ops::LRNRegion::kWithinChannel : ops::LRNRegion::kAcrossChannels, size_, alpha_,
                                     beta_, within ? 1 : k_};
  op_ = std::make_unique<ops::LRN>(program(), ops::LRNShape{num_, channels_, height_, width_}, function);
}

template <>
void FPGALRNLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  Access src = data(*bottom[0], Use::kRead), dst = data(*top[0], Use::kWrite);
  op_->forward(src.buffer(), dst.buffer());
}

template <>
void FPGALRNLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& /*propagate_down*/,
                                             const vector<Blob<float>*>& bottom) {
  Access src = data(*bottom[0], Use::kRead);
  Access diff_dst = diff(*top[0], Use::kRead), diff_src = diff(*bottom[0], Use::kWrite);
  op_->backward(src.buffer(), diff_dst.buffer(), diff_src.buffer());
}

INSTANTIATE_CLASS(FPGALRNLayer);
REGISTER_LAYER_CLASS(FPGALRN);

}  // namespace caffe
