#include "layers/fpga_prelu_layer.hpp"

#include <optional>

#include "ops/elementwise.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::device::Buffer;
using memory::Access;
using memory::Use;

template <>
ops::PReLUShape FPGAPReLULayer<float>::shape_of(const Blob<float>& bottom) const {
  return {bottom.shape(0), bottom.shape(1), bottom.count(2), channel_shared_};
}

template <>
void FPGAPReLULayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  const ops::PReLUShape shape = shape_of(*bottom[0]);
  Access slopes = data(*blobs_[0], Use::kRead);
  if (bottom[0] == top[0]) {
    Access both = data(*top[0], Use::kReadWrite), kept = data(bottom_memory_, Use::kWrite);
    ops::elementwise_forward(program(), ops::power(1, 1, 0), both.buffer(), kept.buffer(), bottom[0]->count());  // a copy
    return ops::prelu_forward(program(), shape, both.buffer(), slopes.buffer(), both.buffer());
  }
  Access src = data(*bottom[0], Use::kRead), dst = data(*top[0], Use::kWrite);
  ops::prelu_forward(program(), shape, src.buffer(), slopes.buffer(), dst.buffer());
}

// Reads what forward read: the bottom, or the copy of one that was worked on in place. Slopes first: the gradient of the bottom may
// overwrite that of the top.
template <>
void FPGAPReLULayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down,
                                               const vector<Blob<float>*>& bottom) {
  const ops::PReLUShape shape = shape_of(*bottom[0]);
  const bool in_place = bottom[0] == top[0];
  Access src = data(in_place ? bottom_memory_ : *bottom[0], Use::kRead);
  Access diff_dst = diff(*top[0], in_place && propagate_down[0] ? Use::kReadWrite : Use::kRead);
  if (param_propagate_down_[0]) {
    Access diff_slopes = diff(*blobs_[0], Use::kReadWrite);
    ops::prelu_backward_slopes(program(), shape, src.buffer(), diff_dst.buffer(), diff_slopes.buffer());
  }
  if (!propagate_down[0]) return;
  Access slopes = data(*blobs_[0], Use::kRead);
  std::optional<Access> diff_src;
  if (!in_place) diff_src.emplace(diff(*bottom[0], Use::kWrite));
  Buffer& to = diff_src ? diff_src->buffer() : diff_dst.buffer();
  ops::prelu_backward(program(), shape, src.buffer(), slopes.buffer(), diff_dst.buffer(), to);
}

INSTANTIATE_CLASS(FPGAPReLULayer);
REGISTER_LAYER_CLASS(FPGAPReLU);

}  // namespace caffe
