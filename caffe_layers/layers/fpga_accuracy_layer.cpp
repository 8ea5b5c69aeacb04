#include "layers/fpga_accuracy_layer.hpp"

#include <optional>

#include "layers/declined.hpp"
#include "layers/label_check.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::kOnDevice;
using memory::Use;

template <typename Dtype>
void FPGAAccuracyLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  AccuracyLayer<Dtype>::LayerSetUp(bottom, top);
}

template <typename Dtype>
void FPGAAccuracyLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if (bottom[1]->count() == 0) barista::layers::check_labels(this->layer_param_, bottom);  // stock code divides by it
  AccuracyLayer<Dtype>::Reshape(bottom, top);
  const ops::ClassAxis axis = {this->outer_num_, bottom[0]->shape(this->label_axis_), this->inner_num_};
  const ops::IgnoredLabel ignored = this->has_ignore_label_ ? ops::IgnoredLabel(this->ignore_label_) : std::nullopt;
  op_.reshape(this->layer_param_, bottom[0]->shape(), barista::layers::declined<Dtype>(bottom),
              [&](barista::device::DeviceManager& manager) {
                return std::make_unique<ops::Accuracy>(manager, axis, this->top_k_, ignored);
              });
}

template <typename Dtype>
void FPGAAccuracyLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_) {
      barista::layers::check_labels_on_host(this->layer_param_, bottom);
      return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(bottom, top); });
    }
  }
  barista::layers::check_labels(this->layer_param_, bottom);
  AccuracyLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGAAccuracyLayer<Dtype>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  memory::Access src = memory::data(*bottom[0], Use::kRead), labels = memory::data(*bottom[1], Use::kRead);
  memory::Access dst = memory::data(*top[0], Use::kWrite);
  std::optional<memory::Access> per_class;
  if (top.size() > 1) per_class.emplace(memory::data(*top[1], Use::kWrite));
  op_->forward(src.buffer(), labels.buffer(), dst.buffer(), per_class ? &per_class->buffer() : nullptr);
}

INSTANTIATE_CLASS(FPGAAccuracyLayer);
REGISTER_LAYER_CLASS(FPGAAccuracy);

}  // namespace caffe
