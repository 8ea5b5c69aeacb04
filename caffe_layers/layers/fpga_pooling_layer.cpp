#include "layers/fpga_pooling_layer.hpp"

#include <optional>

#include "caffe/util/math_functions.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::kOnDevice;
using memory::Use;

template <typename Dtype>
void FPGAPoolingLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  PoolingLayer<Dtype>::LayerSetUp(bottom, top);
}

template <typename Dtype>
void FPGAPoolingLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  PoolingLayer<Dtype>::Reshape(bottom, top);
  if (stochastic() && bottom[0]->count() == 0) return;
  const std::string why = why_stock_code(*bottom[0], *top[0]);
  if (stochastic() && !why.empty()) give_up(why);
  op_.reshape(this->layer_param_, bottom[0]->shape(), why,
              [&](barista::device::DeviceManager& manager) { return plan(manager, *bottom[0], top.size() > 1); });
}

template <typename Dtype>
std::string FPGAPoolingLayer<Dtype>::why_stock_code(const Blob<Dtype>& bottom, const Blob<Dtype>& top) const {
  if (!kOnDevice<Dtype>) return "the net is of doubles, the device computes in single precision";
  if (bottom.count() == 0 || top.count() == 0) return "a blob of it is empty";
  return "";
}

template <typename Dtype>
void FPGAPoolingLayer<Dtype>::give_up(const std::string& reason) const {
  LOG(FATAL) << "layer " << this->layer_param_.name() << " (" << this->layer_param_.type()
             << "): stock Caffe has no code for STOCHASTIC pooling on the CPU, and on the device it can't run: " << reason;
}

template <typename Dtype>
ops::PoolingMethod FPGAPoolingLayer<Dtype>::method() const {
  if (stochastic()) return this->phase_ == TRAIN ? ops::PoolingMethod::kStochastic : ops::PoolingMethod::kExpected;
  const bool maximum = this->layer_param_.pooling_param().pool() == PoolingParameter_PoolMethod_MAX;
  return maximum ? ops::PoolingMethod::kMaximum : ops::PoolingMethod::kAverage;
}

template <typename Dtype>
std::unique_ptr<ops::Pooling> FPGAPoolingLayer<Dtype>::plan(barista::device::DeviceManager& manager, const Blob<Dtype>& bottom,
                                                            bool winners_top) {
  const ops::PoolingShape shape = {bottom.num(),         this->channels_,     this->height_,   this->width_,
                                   this->pooled_height_, this->pooled_width_, this->kernel_h_, this->kernel_w_,
                                   this->stride_h_,      this->stride_w_,     this->pad_h_,    this->pad_w_};
  std::unique_ptr<ops::Pooling> op;
  try {
    op = std::make_unique<ops::Pooling>(manager, shape, method());
  } catch (const barista::device::Error& error) {
    if (stochastic()) give_up(error.what());
    throw;
  }
  winners_ = barista::device::Buffer();
  if ((method() == ops::PoolingMethod::kMaximum && !winners_top) || method() == ops::PoolingMethod::kStochastic) {
    const std::size_t outputs = static_cast<std::size_t>(shape.N) * shape.C * shape.P * shape.Q;
    winners_ = manager.allocate(outputs * sizeof(float));
  }
  return op;
}

template <typename Dtype>
void FPGAPoolingLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if (stochastic() && bottom[0]->count() == 0) return;
  if constexpr (kOnDevice<Dtype>) {
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(bottom, top); });
  }
  PoolingLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGAPoolingLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0] || (stochastic() && bottom[0]->count() == 0)) return;
  if constexpr (kOnDevice<Dtype>) {
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(top, bottom); });
  }
  PoolingLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGAPoolingLayer<Dtype>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  memory::Access src = memory::data(*bottom[0], Use::kRead), dst = memory::data(*top[0], Use::kWrite);
  std::optional<memory::Access> winners;
  if (top.size() > 1) winners.emplace(memory::data(*top[1], Use::kWrite));
  const unsigned int key = method() == ops::PoolingMethod::kStochastic ? caffe_rng_rand() : 0;
  op_->forward(src.buffer(), dst.buffer(), winners ? winners->buffer() : winners_, key);
}

template <typename Dtype>
void FPGAPoolingLayer<Dtype>::backward_on_device(const vector<Blob<float>*>& top, const vector<Blob<float>*>& bottom) {
  CHECK(method() != ops::PoolingMethod::kExpected)
      << "layer " << this->layer_param_.name() << " (" << this->layer_param_.type()
      << "): STOCHASTIC pooling has a gradient of what it drew, and in test phase it draws nothing; run backward in phase TRAIN";
  memory::Access diff_dst = memory::diff(*top[0], Use::kRead), diff_src = memory::diff(*bottom[0], Use::kWrite);
  std::optional<memory::Access> winners;
  if (top.size() > 1) winners.emplace(memory::data(*top[1], Use::kRead));
  op_->backward(diff_dst.buffer(), winners ? winners->buffer() : winners_, diff_src.buffer());
}

INSTANTIATE_CLASS(FPGAPoolingLayer);
REGISTER_LAYER_CLASS(FPGAPooling);

}  // namespace caffe
