#include "layers/fpga_accuracy_layer.hpp"

#include <optional>

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using memory::Access;
using memory::Use;

template <>
void FPGAAccuracyLayer<float>::plan(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& /*top*/) {
  const ops::ClassAxis axis = {outer_num_, bottom[0]->shape(label_axis_), inner_num_};
  const ops::IgnoredLabel ignored = has_ignore_label_ ? ops::IgnoredLabel(ignore_label_) : std::nullopt;
  op_ = std::make_unique<ops::Accuracy>(program(), axis, top_k_, ignored);
}

template <>
void FPGAAccuracyLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  barista::layers::check_labels_on_host(layer_param_, bottom);
  Access src = data(*bottom[0], Use::kRead), labels = data(*bottom[1], Use::kRead);
  Access dst = data(*top[0], Use::kWrite);
  std::optional<Access> per_class;
  if (top.size() > 1) per_class.emplace(data(*top[1], Use::kWrite));
  op_->forward(src.buffer(), labels.buffer(), dst.buffer(), per_class ? &per_class->buffer() : nullptr);
}

INSTANTIATE_CLASS(FPGAAccuracyLayer);
REGISTER_LAYER_CLASS(FPGAAccuracy);

}  // namespace caffe
