#include "layers/fpga_slice_layer.hpp"

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
void FPGASliceLayer<float>::plan(const vector<Blob<float>*>& /*bottom*/, const vector<Blob<float>*>& top) {
  runs_.clear();
  for (const Blob<float>* blob : top) runs_.push_back(blob->shape(slice_axis_) * slice_size_);
}

template <>
void FPGASliceLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  const DestinationBuffers dsts(memory::data, top, Use::kWrite, program().device());
  Access src = data(*bottom[0], Use::kRead);
  ops::slice(program(), src.buffer(), runs_, num_slices_, dsts.all());
}

template <>
void FPGASliceLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& /*propagate_down*/,
                                               const vector<Blob<float>*>& bottom) {
  const SourceBuffers diff_dsts(memory::diff, top, Use::kRead, program().device());
  Access diff_src = diff(*bottom[0], Use::kWrite);
  ops::concat(program(), diff_dsts.all(), runs_, num_slices_, diff_src.buffer());
}

INSTANTIATE_CLASS(FPGASliceLayer);
REGISTER_LAYER_CLASS(FPGASlice);

}  // namespace caffe
