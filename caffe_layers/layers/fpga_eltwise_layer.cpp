#include "layers/fpga_eltwise_layer.hpp"

#include <algorithm>
#include <optional>

#include "layers/blob_buffers.hpp"
#include "ops/eltwise.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::SourceBuffers;
using memory::Access;
using memory::Use;

template <>
std::string FPGAEltwiseLayer<float>::why_stock_code(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) const {
  return std::find(bottom.begin(), bottom.end(), top[0]) != bottom.end() ? "it works in place" : "";
}

template <>
void FPGAEltwiseLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  const int count = top[0]->count();
  const SourceBuffers srcs(memory::data, bottom, Use::kRead, program().device());
  Access dst = data(*top[0], Use::kWrite);
  switch (op_) {
    case EltwiseParameter_EltwiseOp_SUM:
      return ops::eltwise_sum(program(), srcs.all(), coeffs_, dst.buffer(), count);
    case EltwiseParameter_EltwiseOp_PROD:
      ops::eltwise_product(program(), srcs.all(), dst.buffer(), count);
      if (!stable_prod_grad_) dst_.keep_before_in_place(program(), *top[0], /*signs_only=*/false);
      return;
    case EltwiseParameter_EltwiseOp_MAX:
      if (winners_.bytes() < count * sizeof(float)) winners_ = program().device().allocate(count * sizeof(float));
      return ops::eltwise_maximum(program(), srcs.all(), dst.buffer(), winners_, count);
  }
}

template <>
void FPGAEltwiseLayer<float>::backward_to(const Blob<float>& top, const vector<Blob<float>*>& bottom, int k) {
  const int count = top.count();
  Access diff_dst = diff(top, Use::kRead), diff_src = diff(*bottom[k], Use::kWrite);
  if (op_ == EltwiseParameter_EltwiseOp_SUM)
    return ops::eltwise_sum_backward(program(), coeffs_[k], diff_dst.buffer(), diff_src.buffer(), count);
  if (op_ == EltwiseParameter_EltwiseOp_MAX)
    return ops::eltwise_maximum_backward(program(), k, winners_, diff_dst.buffer(), diff_src.buffer(), count);
  if (stable_prod_grad_) {
    const SourceBuffers srcs(memory::data, bottom, Use::kRead, program().device());
    return ops::eltwise_product_backward(program(), srcs.all(), k, diff_dst.buffer(), diff_src.buffer(), count);
  }
  std::optional<Access> top_data;
  const barista::device::Buffer* dst = dst_.get();
  if (dst == nullptr) dst = &top_data.emplace(data(top, Use::kRead)).buffer();
  Access src = data(*bottom[k], Use::kRead);
  ops::eltwise_quotient_backward(program(), src.buffer(), *dst, diff_dst.buffer(), diff_src.buffer(), count);
}

template <>
void FPGAEltwiseLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down,
                                                 const vector<Blob<float>*>& bottom) {
  for (int k = 0; k < static_cast<int>(bottom.size()); k++)
    if (propagate_down[k]) backward_to(*top[0], bottom, k);
}

INSTANTIATE_CLASS(FPGAEltwiseLayer);
REGISTER_LAYER_CLASS(FPGAEltwise);

}  // namespace caffe
