#include "layers/fpga_elementwise_layer.hpp"

#include <optional>

namespace barista::layers {

using memory::Access;
using memory::Use;
using ops::Operand;

bool ElementwiseOnBlobs::keeps_src(bool in_place) const {
  return in_place && function_.differentiable && function_.backward.reads(Operand::kSrc) && !function_.has_signs_of_src;
}

// In place, one Access serves both sides: two of one memory would each think the other's contents stale.
void ElementwiseOnBlobs::forward(device::Program& program, const caffe::Blob<float>& bottom, const caffe::Blob<float>& top) {
  if (bottom.count() == 0) return;
  const bool in_place = bottom.data() == top.data();
  if (in_place) {
    const bool rescales = function_.forward.function == ELEMENTWISE_RELU && function_.has_signs_of_src;
    Access both = memory::data(top, rescales ? Use::kRescale : Use::kReadWrite, program.device());
    if (keeps_src(in_place)) src_.keep(program, both.buffer(), bottom.count());
    ops::elementwise_forward(program, function_, both.buffer(), both.buffer(), bottom.count());
  } else {
    Access src = memory::data(bottom, Use::kRead, program.device()), dst = memory::data(top, Use::kWrite, program.device());
    ops::elementwise_forward(program, function_, src.buffer(), dst.buffer(), bottom.count());
  }
  const bool reads_dst = function_.backward.reads(Operand::kDst);
  const bool src_is_dst = in_place && function_.backward.reads(Operand::kSrc) && !keeps_src(in_place);
  if (function_.differentiable && (reads_dst || src_is_dst)) dst_.keep_before_in_place(program, top, /*signs_only=*/!reads_dst);
}

// What the function doesn't read stays where it is: a layer may follow whose data is on the host.
void ElementwiseOnBlobs::backward(device::Program& program, const caffe::Blob<float>& top, const caffe::Blob<float>& bottom) {
  if (bottom.count() == 0) return;
  const bool in_place = bottom.diff() == top.diff(), src_is_dst = in_place && !keeps_src(in_place);
  device::Buffer none;
  std::optional<Access> top_data, bottom_data, diff_dst;
  const device::Buffer *src = &none, *dst = &none;
  if (function_.backward.reads(Operand::kDst) || (src_is_dst && function_.backward.reads(Operand::kSrc))) {
    dst = dst_.get();
    if (dst == nullptr) dst = &top_data.emplace(memory::data(top, Use::kRead, program.device())).buffer();
  }
  if (function_.backward.reads(Operand::kSrc)) {
    src = src_is_dst ? dst : src_.get();
    if (src == nullptr || !in_place) src = &bottom_data.emplace(memory::data(bottom, Use::kRead, program.device())).buffer();
  }
  if (!in_place && function_.backward.reads(Operand::kDiffDst)) diff_dst.emplace(memory::diff(top, Use::kRead, program.device()));
  Access diff_src = memory::diff(bottom, in_place ? Use::kReadWrite : Use::kWrite, program.device());
  ops::elementwise_backward(program, function_, *src, *dst, diff_dst ? diff_dst->buffer() : diff_src.buffer(), diff_src.buffer(),
                            bottom.count());
}

}  // namespace barista::layers

namespace caffe {

#define BARISTA_REGISTER_LAYER(Name, its_function) \
  INSTANTIATE_CLASS(FPGA##Name##Layer);            \
  REGISTER_LAYER_CLASS(FPGA##Name);
BARISTA_ELEMENTWISE_FUNCTIONS(BARISTA_REGISTER_LAYER, , )
#undef BARISTA_REGISTER_LAYER

}  // namespace caffe
