#include "layers/fpga_elementwise_layer.hpp"

#include <optional>

namespace barista::layers {
namespace {

using memory::Access;
using memory::Use;
using ops::Operand;

device::DeviceManager& manager() { return device::DeviceManager::instance(); }

}  // namespace

// In place, one Access serves both sides: two of one memory would each think the other's contents stale.
void elementwise_forward(const ops::Elementwise& function, const caffe::Blob<float>& bottom, const caffe::Blob<float>& top) {
  if (bottom.count() == 0) return;
  if (bottom.data() == top.data()) {
    Access both = memory::data(top, Use::kReadWrite);
    return ops::elementwise_forward(manager(), function, both.buffer(), both.buffer(), bottom.count());
  }
  Access src = memory::data(bottom, Use::kRead), dst = memory::data(top, Use::kWrite);
  ops::elementwise_forward(manager(), function, src.buffer(), dst.buffer(), bottom.count());
}

// What the function doesn't read stays where it is: a layer may follow whose data is on the host.
void elementwise_backward(const ops::Elementwise& function, const caffe::Blob<float>& top, const caffe::Blob<float>& bottom) {
  if (bottom.count() == 0) return;
  device::Buffer none;
  std::optional<Access> src, dst, diff_dst;
  if (function.backward.reads(Operand::kSrc)) src.emplace(memory::data(bottom, Use::kRead));
  if (function.backward.reads(Operand::kDst)) dst.emplace(memory::data(top, Use::kRead));
  const bool in_place = bottom.diff() == top.diff();
  if (!in_place && function.backward.reads(Operand::kDiffDst)) diff_dst.emplace(memory::diff(top, Use::kRead));
  Access diff_src = memory::diff(bottom, in_place ? Use::kReadWrite : Use::kWrite);
  ops::elementwise_backward(manager(), function, src ? src->buffer() : none, dst ? dst->buffer() : none,
                            diff_dst ? diff_dst->buffer() : diff_src.buffer(), diff_src.buffer(), bottom.count());
}

}  // namespace barista::layers

namespace caffe {

namespace ops = barista::ops;

#define BARISTA_ELEMENTWISE_LAYER(Name, is)                     \
  template <typename Dtype>                                     \
  ops::Elementwise FPGA##Name##Layer<Dtype>::function() const { \
    return is;                                                  \
  }                                                             \
  INSTANTIATE_CLASS(FPGA##Name##Layer);                         \
  REGISTER_LAYER_CLASS(FPGA##Name)

BARISTA_ELEMENTWISE_LAYER(ReLU, ops::relu(this->layer_param_.relu_param().negative_slope()));
BARISTA_ELEMENTWISE_LAYER(Sigmoid, ops::sigmoid());
BARISTA_ELEMENTWISE_LAYER(TanH, ops::tanh());
BARISTA_ELEMENTWISE_LAYER(ELU, ops::elu(this->layer_param_.elu_param().alpha()));
BARISTA_ELEMENTWISE_LAYER(Power, ops::power(this->power_, this->scale_, this->shift_));
BARISTA_ELEMENTWISE_LAYER(AbsVal, ops::absval());
BARISTA_ELEMENTWISE_LAYER(Exp, ops::exp(this->inner_scale_, this->outer_scale_));
BARISTA_ELEMENTWISE_LAYER(Log, ops::log(this->base_scale_, this->input_scale_, this->input_shift_));
BARISTA_ELEMENTWISE_LAYER(BNLL, ops::bnll());
BARISTA_ELEMENTWISE_LAYER(Threshold, ops::threshold(this->threshold_));

}  // namespace caffe
