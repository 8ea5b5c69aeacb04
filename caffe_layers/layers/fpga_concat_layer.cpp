#include "layers/fpga_concat_layer.hpp"

#include "layers/blob_buffers.hpp"
#include "ops/concat.hpp"
#include "ops/slice.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::DestinationBuffers;
using barista::layers::SourceBuffers;
using memory::Access;
using memory::Use;

template <>
void FPGAConcatLayer<float>::plan(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& /*top*/) {
  runs_.clear();
  for (const Blob<float>* blob : bottom) runs_.push_back(blob->shape(concat_axis_) * concat_input_size_);
}

template <>
void FPGAConcatLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  const SourceBuffers srcs(memory::data, bottom, Use::kRead, program().device());
  Access dst = data(*top[0], Use::kWrite);
  ops::concat(program(), srcs.all(), runs_, num_concats_, dst.buffer());
}

template <>
void FPGAConcatLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down,
                                                const vector<Blob<float>*>& bottom) {
  const DestinationBuffers diff_srcs(memory::diff, bottom, Use::kWrite, program().device(), propagate_down);
  Access diff_dst = diff(*top[0], Use::kRead);
  ops::slice(program(), diff_dst.buffer(), runs_, num_concats_, diff_srcs.all());
}

INSTANTIATE_CLASS(FPGAConcatLayer);
REGISTER_LAYER_CLASS(FPGAConcat);

}  // namespace caffe
