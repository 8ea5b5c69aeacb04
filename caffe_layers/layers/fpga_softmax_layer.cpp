#include "layers/fpga_softmax_layer.hpp"

#include <optional>

#include "layers/declined.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::kOnDevice;
using memory::Use;

template <typename Dtype>
void FPGASoftmaxLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  SoftmaxLayer<Dtype>::LayerSetUp(bottom, top);
}

template <typename Dtype>
void FPGASoftmaxLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  SoftmaxLayer<Dtype>::Reshape(bottom, top);
  const ops::ClassAxis axis = {this->outer_num_, bottom[0]->shape(this->softmax_axis_), this->inner_num_};
  op_.reshape(this->layer_param_, bottom[0]->shape(), barista::layers::declined<Dtype>(bottom),
              [&](barista::device::DeviceManager& manager) { return std::make_unique<ops::Softmax>(manager, axis); });
}

template <typename Dtype>
void FPGASoftmaxLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(*bottom[0], *top[0]); });
  }
  SoftmaxLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGASoftmaxLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  if constexpr (kOnDevice<Dtype>) {
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(*top[0], *bottom[0]); });
  }
  SoftmaxLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

// In place, one Access serves both sides: two of one memory would each think the other's contents stale.
template <typename Dtype>
void FPGASoftmaxLayer<Dtype>::forward_on_device(const Blob<float>& bottom, const Blob<float>& top) {
  if (bottom.data() == top.data()) {
    memory::Access both = memory::data(top, Use::kReadWrite);
    op_->forward(both.buffer(), both.buffer());
  } else {
    memory::Access src = memory::data(bottom, Use::kRead), dst = memory::data(top, Use::kWrite);
    op_->forward(src.buffer(), dst.buffer());
  }
  dst_.keep_before_in_place(top, /*signs_only=*/false);
}

template <typename Dtype>
void FPGASoftmaxLayer<Dtype>::backward_on_device(const Blob<float>& top, const Blob<float>& bottom) {
  std::optional<memory::Access> top_data;
  const barista::device::Buffer* dst = dst_.get();
  if (dst == nullptr) dst = &top_data.emplace(memory::data(top, Use::kRead)).buffer();
  if (bottom.diff() == top.diff()) {
    memory::Access both = memory::diff(bottom, Use::kReadWrite);
    return op_->backward(*dst, both.buffer(), both.buffer());
  }
  memory::Access diff_dst = memory::diff(top, Use::kRead), diff_src = memory::diff(bottom, Use::kWrite);
  op_->backward(*dst, diff_dst.buffer(), diff_src.buffer());
}

INSTANTIATE_CLASS(FPGASoftmaxLayer);
REGISTER_LAYER_CLASS(FPGASoftmax);

}  // namespace caffe
