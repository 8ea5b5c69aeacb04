#include "layers/fpga_eltwise_layer.hpp"

#include <algorithm>
#include <optional>

#include "ops/eltwise.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::kOnDevice;
using memory::Access;
using memory::Use;

namespace {

// The data of several blobs, for reading.
struct SourceData {
  explicit SourceData(const vector<Blob<float>*>& blobs) {
    for (const Blob<float>* blob : blobs) accesses.push_back(memory::data(*blob, Use::kRead));
    for (Access& access : accesses) buffers.push_back(&access.buffer());
  }
  vector<Access> accesses;
  ops::Sources buffers;
};

}  // namespace

template <typename Dtype>
void FPGAEltwiseLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  EltwiseLayer<Dtype>::LayerSetUp(bottom, top);
  const bool in_place = std::find(bottom.begin(), bottom.end(), top[0]) != bottom.end();
  on_device_ = kOnDevice<Dtype> && !in_place;
  if (!on_device_) {
    barista::layers::log_stock_code(
        this->layer_param_, in_place ? "it works in place" : "the net is of doubles, the device computes in single precision");
  }
}

template <typename Dtype>
void FPGAEltwiseLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    if (on_device_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(bottom, *top[0]); });
  }
  EltwiseLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGAEltwiseLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    if (on_device_) {
      for (int k = 0; k < static_cast<int>(bottom.size()); k++)
        if (propagate_down[k]) barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(*top[0], bottom, k); });
      return;
    }
  }
  EltwiseLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGAEltwiseLayer<Dtype>::forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& top) {
  const int count = top.count();
  if (count == 0) return;
  barista::device::DeviceManager& manager = barista::device::DeviceManager::instance();
  const SourceData src(bottom);
  Access dst = memory::data(top, Use::kWrite);
  switch (this->op_) {
    case EltwiseParameter_EltwiseOp_SUM:
      return ops::eltwise_sum(manager, src.buffers, vector<float>(this->coeffs_.begin(), this->coeffs_.end()), dst.buffer(), count);
    case EltwiseParameter_EltwiseOp_PROD:
      ops::eltwise_product(manager, src.buffers, dst.buffer(), count);
      if (!this->stable_prod_grad_) dst_.keep_before_in_place(top, /*signs_only=*/false);
      return;
    case EltwiseParameter_EltwiseOp_MAX:
      if (winners_.bytes() < count * sizeof(float)) winners_ = manager.allocate(count * sizeof(float));
      return ops::eltwise_maximum(manager, src.buffers, dst.buffer(), winners_, count);
  }
}

template <typename Dtype>
void FPGAEltwiseLayer<Dtype>::backward_on_device(const Blob<float>& top, const vector<Blob<float>*>& bottom, int k) {
  const int count = top.count();
  if (count == 0) return;
  barista::device::DeviceManager& manager = barista::device::DeviceManager::instance();
  Access diff_dst = memory::diff(top, Use::kRead), diff_src = memory::diff(*bottom[k], Use::kWrite);
  if (this->op_ == EltwiseParameter_EltwiseOp_SUM)
    return ops::eltwise_sum_backward(manager, static_cast<float>(this->coeffs_[k]), diff_dst.buffer(), diff_src.buffer(), count);
  if (this->op_ == EltwiseParameter_EltwiseOp_MAX)
    return ops::eltwise_maximum_backward(manager, k, winners_, diff_dst.buffer(), diff_src.buffer(), count);
  if (this->stable_prod_grad_) {
    const SourceData src(bottom);
    return ops::eltwise_product_backward(manager, src.buffers, k, diff_dst.buffer(), diff_src.buffer(), count);
  }
  std::optional<Access> top_data;
  const barista::device::Buffer* dst = dst_.get();
  if (dst == nullptr) dst = &top_data.emplace(memory::data(top, Use::kRead)).buffer();
  Access src = memory::data(*bottom[k], Use::kRead);
  ops::eltwise_quotient_backward(manager, src.buffer(), *dst, diff_dst.buffer(), diff_src.buffer(), count);
}

INSTANTIATE_CLASS(FPGAEltwiseLayer);
REGISTER_LAYER_CLASS(FPGAEltwise);

}  // namespace caffe
