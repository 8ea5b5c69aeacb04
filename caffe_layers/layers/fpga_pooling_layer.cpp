#include "layers/fpga_pooling_layer.hpp"

#include <optional>

#include "caffe/util/math_functions.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using memory::Access;
using memory::Use;

template <typename Dtype>
void FPGAPoolingLayer<Dtype>::before_stock_code(const std::string& reason) const {
  if (!stochastic()) return;
  LOG(FATAL) << barista::layers::described(this->layer_param_)
             << ": stock Caffe has no code for STOCHASTIC pooling on the CPU, and on the device it can't run: " << reason;
}

template <>
ops::PoolingMethod FPGAPoolingLayer<float>::method() const {
  if (stochastic()) return phase_ == TRAIN ? ops::PoolingMethod::kStochastic : ops::PoolingMethod::kExpected;
  const bool maximum = layer_param_.pooling_param().pool() == PoolingParameter_PoolMethod_MAX;
  return maximum ? ops::PoolingMethod::kMaximum : ops::PoolingMethod::kAverage;
}

template <>
void FPGAPoolingLayer<float>::plan(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  const ops::PoolingShape shape = {bottom[0]->num(), channels_, height_,   width_,    pooled_height_, pooled_width_,
                                   kernel_h_,        kernel_w_, stride_h_, stride_w_, pad_h_,         pad_w_};
  op_ = std::make_unique<ops::Pooling>(program(), shape, method());
  winners_ = barista::device::Buffer();
  if ((method() == ops::PoolingMethod::kMaximum && top.size() == 1) || method() == ops::PoolingMethod::kStochastic) {
    const std::size_t outputs = static_cast<std::size_t>(shape.N) * shape.C * shape.P * shape.Q;
    winners_ = program().device().allocate(outputs * sizeof(float));
  }
}

template <>
void FPGAPoolingLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  Access src = data(*bottom[0], Use::kRead), dst = data(*top[0], Use::kWrite);
  std::optional<Access> winners;
  if (top.size() > 1) winners.emplace(data(*top[1], Use::kWrite));
  const unsigned int key = method() == ops::PoolingMethod::kStochastic ? caffe_rng_rand() : 0;
  op_->forward(src.buffer(), dst.buffer(), winners ? winners->buffer() : winners_, key);
}

template <>
void FPGAPoolingLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& /*propagate_down*/,
                                                 const vector<Blob<float>*>& bottom) {
  CHECK(method() != ops::PoolingMethod::kExpected)
      << barista::layers::described(layer_param_)
      << ": STOCHASTIC pooling has a gradient of what it drew, and in test phase it draws nothing; run backward in phase TRAIN";
  Access diff_dst = diff(*top[0], Use::kRead), diff_src = diff(*bottom[0], Use::kWrite);
  std::optional<Access> winners;
  if (top.size() > 1) winners.emplace(data(*top[1], Use::kRead));
  op_->backward(diff_dst.buffer(), winners ? winners->buffer() : winners_, diff_src.buffer());
}

INSTANTIATE_CLASS(FPGAPoolingLayer);
REGISTER_LAYER_CLASS(FPGAPooling);

}  // namespace caffe
