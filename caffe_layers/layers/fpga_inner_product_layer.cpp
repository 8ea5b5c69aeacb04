#include "layers/fpga_inner_product_layer.hpp"

#include <optional>

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using memory::Access;
using memory::Use;

// Stock code trusts weights that came with the layer's prototxt, and would read beyond them.
template <typename Dtype>
void FPGAInnerProductLayer<Dtype>::set_up(const vector<Blob<Dtype>*>& /*bottom*/, const vector<Blob<Dtype>*>& /*top*/) {
  CHECK_EQ(this->blobs_[0]->count(), this->N_ * this->K_)
      << "layer " << this->layer_param_.name() << ": weights of shape " << this->blobs_[0]->shape_string() << " for " << this->N_
      << " outputs of " << this->K_ << " inputs";
  if (this->bias_term_) {
    CHECK_EQ(this->blobs_.size(), 2) << "layer " << this->layer_param_.name() << ": it has a bias_term, and no blob for it";
    CHECK_EQ(this->blobs_[1]->count(), this->N_) << "layer " << this->layer_param_.name() << ": one bias an output is needed";
  }
}

template <>
void FPGAInnerProductLayer<float>::plan(const vector<Blob<float>*>& /*bottom*/, const vector<Blob<float>*>& /*top*/) {
  op_ = std::make_unique<ops::InnerProduct>(program(), ops::InnerProductShape{M_, K_, N_, transpose_});
}

template <>
void FPGAInnerProductLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  Access weights = data(*blobs_[0], Use::kRead);
  std::optional<Access> bias;
  if (bias_term_) bias.emplace(data(*blobs_[1], Use::kRead));
  Access src = data(*bottom[0], Use::kRead), dst = data(*top[0], Use::kWrite);
  op_->forward(src.buffer(), weights.buffer(), bias ? &bias->buffer() : nullptr, dst.buffer());
}

template <>
void FPGAInnerProductLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down,
                                                      const vector<Blob<float>*>& bottom) {
  Access diff_dst = diff(*top[0], Use::kRead);
  std::optional<Access> diff_bias;
  if (bias_term_ && param_propagate_down_[1]) diff_bias.emplace(diff(*blobs_[1], Use::kReadWrite));
  if (param_propagate_down_[0]) {
    Access src = data(*bottom[0], Use::kRead), diff_weights = diff(*blobs_[0], Use::kReadWrite);
    op_->backward_weights(src.buffer(), diff_dst.buffer(), diff_weights.buffer(), diff_bias ? &diff_bias->buffer() : nullptr);
  } else if (diff_bias) {
    op_->backward_bias(diff_dst.buffer(), diff_bias->buffer());
  }
  if (propagate_down[0]) {
    Access weights = data(*blobs_[0], Use::kRead), diff_src = diff(*bottom[0], Use::kWrite);
    op_->backward_data(diff_dst.buffer(), weights.buffer(), diff_src.buffer());
  }
}

INSTANTIATE_CLASS(FPGAInnerProductLayer);
REGISTER_LAYER_CLASS(FPGAInnerProduct);

}  // namespace caffe
