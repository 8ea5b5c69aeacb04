#include "layers/fpga_split_layer.hpp"

#include <mutex>

#include "caffe/util/math_functions.hpp"
#include "layers/blob_buffers.hpp"
#include "layers/registry.hpp"
#include "memory/mirror.hpp"
#include "ops/split.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::device::Device;
using barista::device::Program;
using barista::layers::kOnDevice;
using barista::layers::SourceBuffers;
using memory::Use;

namespace {

// The device that has the newest copy of a blob's gradient, or null. Without the hook no copy outlives an operation.
Device* device_with_diff(const Blob<float>* blob) {
  if (blob->count() == 0 || !memory::hook_is_live()) return nullptr;
  memory::Mirror* mirror = memory::find_mirror(*blob->diff());
  if (mirror == nullptr) return nullptr;
  const std::lock_guard<std::recursive_mutex> lock(mirror->mutex);
  return mirror->valid == memory::Valid::kDevice ? &mirror->buffer->device() : nullptr;
}

}  // namespace

template <typename Dtype>
void FPGASplitLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  for (Blob<Dtype>* blob : top) blob->ShareData(*bottom[0]);
}

template <typename Dtype>
void FPGASplitLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                         const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  if constexpr (kOnDevice<Dtype>) {
    if (Program* program = program_for(top))
      return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(*program, top, *bottom[0]); });
  }
  backward_on_host(top, *bottom[0]);
}

// A Split that was not inserted under its stock name is there because somebody wants it on the device. One that was inserted goes where the
// first gradient is that lies on a device.
template <typename Dtype>
Program* FPGASplitLayer<Dtype>::program_for(const vector<Blob<float>*>& top) const {
  if (top[0]->count() == 0) return nullptr;
  if (this->layer_param_.type() != "Split") return &barista::layers::program_of(this->layer_param_);
  for (const Blob<float>* blob : top) {
    if (const Device* device = device_with_diff(blob)) return &barista::layers::Programs::of_process().on(*device);
  }
  return nullptr;
}

// In the order in which the device adds.
template <typename Dtype>
void FPGASplitLayer<Dtype>::backward_on_host(const vector<Blob<Dtype>*>& top, Blob<Dtype>& bottom) {
  Dtype* diff_src = bottom.mutable_cpu_diff();
  caffe_copy(bottom.count(), top[0]->cpu_diff(), diff_src);
  for (std::size_t i = 1; i < top.size(); i++) caffe_add(bottom.count(), diff_src, top[i]->cpu_diff(), diff_src);
}

template <typename Dtype>
void FPGASplitLayer<Dtype>::backward_on_device(Program& program, const vector<Blob<float>*>& top, const Blob<float>& bottom) {
  const SourceBuffers diff_dsts(memory::diff, top, Use::kRead, program.device());
  memory::Access diff_src = memory::diff(bottom, Use::kWrite, program.device());
  ops::split_backward(program, diff_dsts.all(), diff_src.buffer(), bottom.count());
}

INSTANTIATE_CLASS(FPGASplitLayer);
REGISTER_LAYER_CLASS(FPGASplit);

namespace {

const barista::layers::InPlaceOf<float> in_place_of_split_of_floats("Split", Creator_FPGASplitLayer<float>);
const barista::layers::InPlaceOf<double> in_place_of_split_of_doubles("Split", Creator_FPGASplitLayer<double>);

}  // namespace
}  // namespace caffe
