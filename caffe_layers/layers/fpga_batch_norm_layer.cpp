#include "layers/fpga_batch_norm_layer.hpp"

#include <optional>
#include <string>

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::device::Buffer;
using memory::Access;
using memory::Use;

// Stock code trusts blobs that came with the layer's prototxt, and would read beyond them.
template <typename Dtype>
void FPGABatchNormLayer<Dtype>::set_up(const vector<Blob<Dtype>*>& /*bottom*/, const vector<Blob<Dtype>*>& /*top*/) {
  const std::string layer = "layer " + this->layer_param_.name();
  CHECK_EQ(this->blobs_.size(), 3) << layer << ": its blobs must be mean, variance and the factor of both";
  for (int i = 0; i < 3; i++) {
    CHECK_EQ(this->blobs_[i]->count(), i < 2 ? this->channels_ : 1)
        << layer << ": blob " << i << " has the shape " << this->blobs_[i]->shape_string() << " for " << this->channels_
        << " channels";
  }
}

// Of an empty blob stock code would divide by zero.
template <typename Dtype>
void FPGABatchNormLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  CHECK_GT(bottom[0]->count(), 0) << "layer " << this->layer_param_.name() << ": its bottom has the shape "
                                  << bottom[0]->shape_string() << ", and there must be at least one value a channel";
  FPGABatchNormLayer::DeviceLayer::Reshape(bottom, top);
}

template <>
void FPGABatchNormLayer<float>::plan(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& /*top*/) {
  const ops::ChannelShape shape = {bottom[0]->shape(0), channels_, bottom[0]->count(2)};
  op_ = std::make_unique<ops::BatchNorm>(program(), shape, eps_);
}

template <>
void FPGABatchNormLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  const Use use = use_global_stats_ ? Use::kRead : Use::kReadWrite;
  Access mean = data(*blobs_[0], use), variance = data(*blobs_[1], use), factor = data(*blobs_[2], use);
  const ops::MovingStatistics moving = {mean.buffer(), variance.buffer(), factor.buffer()};
  const bool in_place = bottom[0] == top[0];
  Access dst = data(*top[0], in_place ? Use::kReadWrite : Use::kWrite);
  std::optional<Access> apart;
  if (!in_place) apart.emplace(data(*bottom[0], Use::kRead));
  const Buffer& src = apart ? apart->buffer() : dst.buffer();
  if (use_global_stats_) return op_->forward_global(src, moving, dst.buffer());
  Access normalised = data(x_norm_, Use::kWrite);
  op_->forward(src, moving, moving_average_fraction_, dst.buffer(), normalised.buffer());
}

template <>
void FPGABatchNormLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down,
                                                   const vector<Blob<float>*>& bottom) {
  if (!propagate_down[0]) return;
  const bool in_place = bottom[0] == top[0];
  Access diff_src = diff(*bottom[0], in_place ? Use::kReadWrite : Use::kWrite);
  std::optional<Access> apart;
  if (!in_place) apart.emplace(diff(*top[0], Use::kRead));
  const Buffer& diff_dst = apart ? apart->buffer() : diff_src.buffer();
  if (use_global_stats_) return op_->backward_global(diff_dst, diff_src.buffer());
  Access normalised = data(x_norm_, Use::kRead);
  op_->backward(normalised.buffer(), diff_dst, diff_src.buffer());
}

INSTANTIATE_CLASS(FPGABatchNormLayer);
REGISTER_LAYER_CLASS(FPGABatchNorm);

}  // namespace caffe
