#include "layers/fpga_softmax_layer.hpp"

#include <optional>

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using memory::Access;
using memory::Use;

template <>
void FPGASoftmaxLayer<float>::plan(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& /*top*/) {
  op_ = std::make_unique<ops::Softmax>(program(), ops::ClassAxis{outer_num_, bottom[0]->shape(softmax_axis_), inner_num_});
}

// In place, one Access serves both sides: two of one memory would each think the other's contents stale.
template <>
void FPGASoftmaxLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  if (bottom[0]->data() == top[0]->data()) {
    Access both = data(*top[0], Use::kReadWrite);
    op_->forward(both.buffer(), both.buffer());
  } else {
    Access src = data(*bottom[0], Use::kRead), dst = data(*top[0], Use::kWrite);
    op_->forward(src.buffer(), dst.buffer());
  }
  dst_.keep_before_in_place(program(), *top[0], /*signs_only=*/false);
}

template <>
void FPGASoftmaxLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& /*propagate_down*/,
                                                 const vector<Blob<float>*>& bottom) {
  std::optional<Access> top_data;
  const barista::device::Buffer* dst = dst_.get();
  if (dst == nullptr) dst = &top_data.emplace(data(*top[0], Use::kRead)).buffer();
  if (bottom[0]->diff() == top[0]->diff()) {
    Access both = diff(*bottom[0], Use::kReadWrite);
    return op_->backward(*dst, both.buffer(), both.buffer());
  }
  Access diff_dst = diff(*top[0], Use::kRead), diff_src = diff(*bottom[0], Use::kWrite);
  op_->backward(*dst, diff_dst.buffer(), diff_src.buffer());
}

INSTANTIATE_CLASS(FPGASoftmaxLayer);
REGISTER_LAYER_CLASS(FPGASoftmax);

}  // namespace caffe
