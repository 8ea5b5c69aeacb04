#include "layers/fpga_inner_product_layer.hpp"

#include <memory>
#include <optional>

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::layers::kOnDevice;
using memory::Use;

template <typename Dtype>
void FPGAInnerProductLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  InnerProductLayer<Dtype>::LayerSetUp(bottom, top);
  // Stock code trusts weights that came with the layer's prototxt, and would read beyond them.
  CHECK_EQ(this->blobs_[0]->count(), this->N_ * this->K_)
      << "layer " << this->layer_param_.name() << ": weights of shape " << this->blobs_[0]->shape_string() << " for " << this->N_
      << " outputs of " << this->K_ << " inputs";
  if (this->bias_term_) {
    CHECK_EQ(this->blobs_.size(), 2) << "layer " << this->layer_param_.name() << ": it has a bias_term, and no blob for it";
    CHECK_EQ(this->blobs_[1]->count(), this->N_) << "layer " << this->layer_param_.name() << ": one bias an output is needed";
  }
}

template <typename Dtype>
void FPGAInnerProductLayer<Dtype>::Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  InnerProductLayer<Dtype>::Reshape(bottom, top);
  op_.reshape(
      this->layer_param_, bottom[0]->shape(), why_stock_code(*bottom[0], *top[0]), [&](barista::device::DeviceManager& manager) {
        return std::make_unique<ops::InnerProduct>(manager, ops::InnerProductShape{this->M_, this->K_, this->N_, this->transpose_});
      });
}

template <typename Dtype>
std::string FPGAInnerProductLayer<Dtype>::why_stock_code(const Blob<Dtype>& bottom, const Blob<Dtype>& top) const {
  if (!kOnDevice<Dtype>) return "the net is of doubles, the device computes in single precision";
  if (bottom.count() == 0 || top.count() == 0) return "a blob of it is empty";
  return "";
}

template <typename Dtype>
void FPGAInnerProductLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { forward_on_device(bottom, top); });
  }
  InnerProductLayer<Dtype>::Forward_cpu(bottom, top);
}

template <typename Dtype>
void FPGAInnerProductLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                                const vector<Blob<Dtype>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    if (op_) return barista::layers::at_caffes_edge(this->layer_param_, [&] { backward_on_device(top, propagate_down, bottom); });
  }
  InnerProductLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
}

template <typename Dtype>
void FPGAInnerProductLayer<Dtype>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    memory::Access weights = memory::data(*this->blobs_[0], Use::kRead);
    std::optional<memory::Access> bias;
    if (this->bias_term_) bias.emplace(memory::data(*this->blobs_[1], Use::kRead));
    memory::Access src = memory::data(*bottom[0], Use::kRead), dst = memory::data(*top[0], Use::kWrite);
    op_->forward(src.buffer(), weights.buffer(), bias ? &bias->buffer() : nullptr, dst.buffer());
  }
}

template <typename Dtype>
void FPGAInnerProductLayer<Dtype>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down,
                                                      const vector<Blob<float>*>& bottom) {
  if constexpr (kOnDevice<Dtype>) {
    memory::Access diff_dst = memory::diff(*top[0], Use::kRead);
    std::optional<memory::Access> diff_bias;
    if (this->bias_term_ && this->param_propagate_down_[1]) diff_bias.emplace(memory::diff(*this->blobs_[1], Use::kReadWrite));
    if (this->param_propagate_down_[0]) {
      memory::Access src = memory::data(*bottom[0], Use::kRead), diff_weights = memory::diff(*this->blobs_[0], Use::kReadWrite);
      op_->backward_weights(src.buffer(), diff_dst.buffer(), diff_weights.buffer(), diff_bias ? &diff_bias->buffer() : nullptr);
    } else if (diff_bias) {
      op_->backward_bias(diff_dst.buffer(), diff_bias->buffer());
    }
    if (propagate_down[0]) {
      memory::Access weights = memory::data(*this->blobs_[0], Use::kRead), diff_src = memory::diff(*bottom[0], Use::kWrite);
      op_->backward_data(diff_dst.buffer(), weights.buffer(), diff_src.buffer());
    }
  }
}

INSTANTIATE_CLASS(FPGAInnerProductLayer);
REGISTER_LAYER_CLASS(FPGAInnerProduct);

}  // namespace caffe
