#include "layers/fpga_batch_norm_layer.hpp"

#include <memory>
#include <optional>

#include "layers/declined.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::device::Buffer;
using barista::layers::kOnDevice;
using memory::Access;
using memory::Use;

template <typename Dtype>
void FPGABatchNormLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  BatchNormLayer<Dtype>::LayerSetUp(bottom, top);
  // Stock code trusts blobs that came with the layer's prototxt, and would read beyond them.
  const std::string layer = "layer " + this->layer_param_.name();
  CHECK_EQ(this->blobs_.size(), 3) << layer << ": its blobs must be mean, variance and the factor of both";
  for (int i = 0; i < 3; i++) {
    CHECK_EQ(this->blobs_[i]->count(), i < 2 ? this->channels_ : 1)
        << layer << ": blob " << i << " has the shape " << this->blobs_[i]->shape_string() << " for " << this->channels_
        << " channels";
  }
}

template <typename Dtype>
void FPGABatchNormLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  // Stock code would divide by zero.
  CHECK_GT(bottom[0]->count(), 0) << "layer " << this->layer_param_.name() << ": its bottom has the shape "
                                  << bottom[0]->shape_string() << ", and there must be at least one value a channel";
  BatchNormLayer<Dtype>::Reshape(bottom, top);
  op_.reshape(this->layer_param_, bottom[0]->shape(), barista::layers::declined<Dtype>(bottom),
              [&](barista::device::DeviceManager& manager) {
                const ops::ChannelShape shape = {bottom[0]->shape(0), this->channels_, bottom[0]->count(2)};
                return std::make_unique<ops::BatchNorm>(manager, shape, static_cast<float>(this->eps_));
              });
}

template <typename Dtype>
void FPGABatchNormLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(*bottom[0], *top[0]); });
  }
  BatchNormLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGABatchNormLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                             const vector<Blob<Dtype>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_ && !propagate_down[0]) return;
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(*top[0], *bottom[0]); });
  }
  BatchNormLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGABatchNormLayer<Dtype>::forward_on_device(const Blob<float>& bottom, const Blob<float>& top) {
  if constexpr (kOnDevice<Dtype>) {
    const Use use = this->use_global_stats_ ? Use::kRead : Use::kReadWrite;
    Access mean = memory::data(*this->blobs_[0], use), variance = memory::data(*this->blobs_[1], use);
    Access factor = memory::data(*this->blobs_[2], use);
    const ops::MovingStatistics moving = {mean.buffer(), variance.buffer(), factor.buffer()};
    const bool in_place = &bottom == &top;
    Access dst = memory::data(top, in_place ? Use::kReadWrite : Use::kWrite);
    std::optional<Access> apart;
    if (!in_place) apart.emplace(memory::data(bottom, Use::kRead));
    const Buffer& src = apart ? apart->buffer() : dst.buffer();
    if (this->use_global_stats_) return op_->forward_global(src, moving, dst.buffer());
    Access normalised = memory::data(this->x_norm_, Use::kWrite);
    op_->forward(src, moving, this->moving_average_fraction_, dst.buffer(), normalised.buffer());
  }
}

template <typename Dtype>
void FPGABatchNormLayer<Dtype>::backward_on_device(const Blob<float>& top, const Blob<float>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    const bool in_place = &bottom == &top;
    Access diff_src = memory::diff(bottom, in_place ? Use::kReadWrite : Use::kWrite);
    std::optional<Access> apart;
    if (!in_place) apart.emplace(memory::diff(top, Use::kRead));
    const Buffer& diff_dst = apart ? apart->buffer() : diff_src.buffer();
    if (this->use_global_stats_) return op_->backward_global(diff_dst, diff_src.buffer());
    Access normalised = memory::data(this->x_norm_, Use::kRead);
    op_->backward(normalised.buffer(), diff_dst, diff_src.buffer());
  }
}

INSTANTIATE_CLASS(FPGABatchNormLayer);
REGISTER_LAYER_CLASS(FPGABatchNorm);

}  // namespace caffe
