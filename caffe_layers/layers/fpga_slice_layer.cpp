#include "layers/fpga_slice_layer.hpp"

#include "ops/concat.hpp"
#include "ops/slice.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::device::DeviceManager;
using barista::layers::kOnDevice;
using memory::Use;

template <typename Dtype>
void FPGASliceLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  SliceLayer<Dtype>::LayerSetUp(bottom, top);
}

template <typename Dtype>
void FPGASliceLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  SliceLayer<Dtype>::Reshape(bottom, top);
  where_.reshape(this->layer_param_, barista::layers::declined<Dtype>(top));
  runs_.clear();
  for (const Blob<Dtype>* blob : top) runs_.push_back(blob->shape(this->slice_axis_) * this->slice_size_);
}

template <typename Dtype>
void FPGASliceLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if (top.size() == 1) return;  // shared
  if constexpr (kOnDevice<Dtype>) {
    if (where_.on_device()) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(*bottom[0], top); });
  }
  SliceLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGASliceLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0] || top.size() == 1) return;
  if constexpr (kOnDevice<Dtype>) {
    if (where_.on_device())
      return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(top, *bottom[0]); });
  }
  SliceLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGASliceLayer<Dtype>::forward_on_device(const Blob<float>& bottom, const vector<Blob<float>*>& top) {
  std::vector<memory::Access> dsts;
  std::vector<barista::device::Buffer*> parts;
  for (const Blob<float>* blob : top) dsts.push_back(memory::data(*blob, Use::kWrite));
  for (memory::Access& dst : dsts) parts.push_back(&dst.buffer());
  memory::Access src = memory::data(bottom, Use::kRead);
  ops::slice(DeviceManager::instance(), src.buffer(), runs_, this->num_slices_, parts);
}

template <typename Dtype>
void FPGASliceLayer<Dtype>::backward_on_device(const vector<Blob<float>*>& top, const Blob<float>& bottom) {
  std::vector<memory::Access> diffs;
  std::vector<const barista::device::Buffer*> parts;
  for (const Blob<float>* blob : top) diffs.push_back(memory::diff(*blob, Use::kRead));
  for (memory::Access& diff : diffs) parts.push_back(&diff.buffer());
  memory::Access diff_src = memory::diff(bottom, Use::kWrite);
  ops::concat(DeviceManager::instance(), parts, runs_, this->num_slices_, diff_src.buffer());
}

INSTANTIATE_CLASS(FPGASliceLayer);
REGISTER_LAYER_CLASS(FPGASlice);

}  // namespace caffe
