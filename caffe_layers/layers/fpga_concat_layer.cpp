#include "layers/fpga_concat_layer.hpp"

#include "ops/concat.hpp"
#include "ops/slice.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::device::DeviceManager;
using barista::layers::kOnDevice;
using memory::Use;

template <typename Dtype>
void FPGAConcatLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  ConcatLayer<Dtype>::LayerSetUp(bottom, top);
}

template <typename Dtype>
void FPGAConcatLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  ConcatLayer<Dtype>::Reshape(bottom, top);
  where_.reshape(this->layer_param_, barista::layers::declined<Dtype>(bottom));
  runs_.clear();
  for (const Blob<Dtype>* blob : bottom) runs_.push_back(blob->shape(this->concat_axis_) * this->concat_input_size_);
}

template <typename Dtype>
void FPGAConcatLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if (bottom.size() == 1) return;  // shared
  if constexpr (kOnDevice<Dtype>) {
    if (where_.on_device()) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(bottom, *top[0]); });
  }
  ConcatLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGAConcatLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                          const vector<Blob<Dtype>*>& bottom) {
  if (bottom.size() == 1) return;  // shared
  if constexpr (kOnDevice<Dtype>) {
    if (where_.on_device())
      return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(*top[0], propagate_down, bottom); });
  }
  ConcatLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGAConcatLayer<Dtype>::forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& top) {
  std::vector<memory::Access> srcs;
  std::vector<const barista::device::Buffer*> parts;
  for (const Blob<float>* blob : bottom) srcs.push_back(memory::data(*blob, Use::kRead));
  for (memory::Access& src : srcs) parts.push_back(&src.buffer());
  memory::Access dst = memory::data(top, Use::kWrite);
  ops::concat(DeviceManager::instance(), parts, runs_, this->num_concats_, dst.buffer());
}

template <typename Dtype>
void FPGAConcatLayer<Dtype>::backward_on_device(const Blob<float>& top, const vector<bool>& propagate_down,
                                                const vector<Blob<float>*>& bottom) {
  std::vector<memory::Access> diffs;
  for (std::size_t i = 0; i < bottom.size(); i++)
    if (propagate_down[i]) diffs.push_back(memory::diff(*bottom[i], Use::kWrite));
  if (diffs.empty()) return;
  std::vector<barista::device::Buffer*> parts;
  auto next = diffs.begin();
  for (const bool wanted : propagate_down) parts.push_back(wanted ? &(next++)->buffer() : nullptr);
  memory::Access diff_dst = memory::diff(top, Use::kRead);
  ops::slice(DeviceManager::instance(), diff_dst.buffer(), runs_, this->num_concats_, parts);
}

INSTANTIATE_CLASS(FPGAConcatLayer);
REGISTER_LAYER_CLASS(FPGAConcat);

}  // namespace caffe
