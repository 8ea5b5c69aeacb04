#include "layers/fpga_prelu_layer.hpp"

#include <optional>

#include "ops/elementwise.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::device::Buffer;
using barista::layers::kOnDevice;
using memory::Access;
using memory::Use;

template <typename Dtype>
void FPGAPReLULayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  PReLULayer<Dtype>::LayerSetUp(bottom, top);
  if (!kOnDevice<Dtype>)
    barista::layers::log_stock_code(this->layer_param_, "the net is of doubles, the device computes in single precision");
}

template <typename Dtype>
ops::PReLUShape FPGAPReLULayer<Dtype>::shape_of(const Blob<float>& bottom) const {
  return {bottom.shape(0), bottom.shape(1), bottom.count(2), this->channel_shared_};
}

template <typename Dtype>
void FPGAPReLULayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    barista::layers::at_caffes_edge(this->layer_param_,
                                    [&] { forward_on_device(*bottom[0], *top[0], *this->blobs_[0], this->bottom_memory_); });
  } else {
    PReLULayer<Dtype>::Forward_cpu(bottom, top);
  }
}

template <typename Dtype>
void FPGAPReLULayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    const Blob<float>& src = bottom[0] == top[0] ? this->bottom_memory_ : *bottom[0];
    barista::layers::at_caffes_edge(this->layer_param_,
                                    [&] { backward_on_device(*top[0], propagate_down[0], src, *bottom[0], *this->blobs_[0]); });
  } else {
    PReLULayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
  }
}

template <typename Dtype>
void FPGAPReLULayer<Dtype>::forward_on_device(const Blob<float>& bottom, const Blob<float>& top, const Blob<float>& parameter,
                                              const Blob<float>& kept_bottom) {
  if (bottom.count() == 0) return;
  barista::device::DeviceManager& manager = barista::device::DeviceManager::instance();
  Access slopes = memory::data(parameter, Use::kRead);
  if (&bottom == &top) {
    Access both = memory::data(top, Use::kReadWrite), kept = memory::data(kept_bottom, Use::kWrite);
    ops::elementwise_forward(manager, ops::power(1, 1, 0), both.buffer(), kept.buffer(), bottom.count());  // a copy
    return ops::prelu_forward(manager, shape_of(bottom), both.buffer(), slopes.buffer(), both.buffer());
  }
  Access src = memory::data(bottom, Use::kRead), dst = memory::data(top, Use::kWrite);
  ops::prelu_forward(manager, shape_of(bottom), src.buffer(), slopes.buffer(), dst.buffer());
}

// Slopes first: the gradient of the bottom may overwrite that of the top.
template <typename Dtype>
void FPGAPReLULayer<Dtype>::backward_on_device(const Blob<float>& top, bool propagate_down, const Blob<float>& kept_bottom,
                                               const Blob<float>& bottom, const Blob<float>& parameter) {
  if (bottom.count() == 0) return;
  barista::device::DeviceManager& manager = barista::device::DeviceManager::instance();
  const ops::PReLUShape shape = shape_of(bottom);
  const bool in_place = &bottom == &top;
  Access src = memory::data(kept_bottom, Use::kRead);
  Access diff_dst = memory::diff(top, in_place && propagate_down ? Use::kReadWrite : Use::kRead);
  if (this->param_propagate_down_[0]) {
    Access diff_slopes = memory::diff(parameter, Use::kReadWrite);
    ops::prelu_backward_slopes(manager, shape, src.buffer(), diff_dst.buffer(), diff_slopes.buffer());
  }
  if (!propagate_down) return;
  Access slopes = memory::data(parameter, Use::kRead);
  std::optional<Access> diff_src;
  if (!in_place) diff_src.emplace(memory::diff(bottom, Use::kWrite));
  Buffer& to = diff_src ? diff_src->buffer() : diff_dst.buffer();
  ops::prelu_backward(manager, shape, src.buffer(), slopes.buffer(), diff_dst.buffer(), to);
}

INSTANTIATE_CLASS(FPGAPReLULayer);
REGISTER_LAYER_CLASS(FPGAPReLU);

}  // namespace caffe
