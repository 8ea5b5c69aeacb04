// Convolution and deconvolution on the device: what their Caffe layers share.
//
// Stock is caffe::ConvolutionLayer or caffe::DeconvolutionLayer, Op the operation on the device that takes the same shape: that of the
// convolution from `image` to `features`, which are a deconvolution's top and bottom. Stock code runs for nets of doubles, for more
// than two spatial axes, and for shapes beyond the op (ops/convolution.hpp).
#ifndef BARISTA_LAYERS_FPGA_BASE_CONVOLUTION_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_BASE_CONVOLUTION_LAYER_HPP_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layers/device_layer.hpp"
#include "ops/convolution.hpp"

namespace caffe {

template <template <typename> class Derived, template <typename> class Stock, typename Op, typename Dtype>
class FPGABaseConvolutionLayer : public barista::layers::DeviceLayer<Derived, Stock, Dtype> {
 public:
  explicit FPGABaseConvolutionLayer(const LayerParameter& param) : FPGABaseConvolutionLayer::DeviceLayer(param) {}

  std::string why_stock_code(const vector<Blob<Dtype>*>& /*bottom*/, const vector<Blob<Dtype>*>& /*top*/) const {
    if (this->num_spatial_axes_ <= 2) return "";
    return "it has " + std::to_string(this->num_spatial_axes_) + " spatial axes, the device convolves up to 2";
  }

  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    op_ = std::make_unique<Op>(this->program(), shape(this->reverse_dimensions() ? *top[0] : *bottom[0]));
  }

  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    Access weights = this->data(*this->blobs_[0], Use::kRead);
    std::optional<Access> bias;
    if (this->bias_term_) bias.emplace(this->data(*this->blobs_[1], Use::kRead));
    for (std::size_t i = 0; i < bottom.size(); i++) {
      Access src = this->data(*bottom[i], Use::kRead), dst = this->data(*top[i], Use::kWrite);
      op_->forward(src.buffer(), weights.buffer(), bias ? &bias->buffer() : nullptr, dst.buffer());
    }
  }

  // Adds to the gradients of weights and bias, overwrites those of the bottoms.
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom) {
    for (std::size_t i = 0; i < top.size(); i++) {
      Access diff_dst = this->diff(*top[i], Use::kRead);
      std::optional<Access> diff_bias;
      if (this->bias_term_ && this->param_propagate_down_[1]) diff_bias.emplace(this->diff(*this->blobs_[1], Use::kReadWrite));
      if (this->param_propagate_down_[0]) {
        Access src = this->data(*bottom[i], Use::kRead), diff_weights = this->diff(*this->blobs_[0], Use::kReadWrite);
        op_->backward_weights(src.buffer(), diff_dst.buffer(), diff_weights.buffer(), diff_bias ? &diff_bias->buffer() : nullptr);
      } else if (diff_bias) {
        op_->backward_bias(diff_dst.buffer(), diff_bias->buffer());
      }
      if (propagate_down[i]) {
        Access weights = this->data(*this->blobs_[0], Use::kRead), diff_src = this->diff(*bottom[i], Use::kWrite);
        op_->backward_data(diff_dst.buffer(), weights.buffer(), diff_src.buffer());
      }
    }
  }

 private:
  using Access = barista::memory::Access;
  using Use = barista::memory::Use;

  // One axis, or none, is an image of height 1.
  barista::ops::ConvolutionShape shape(const Blob<Dtype>& image) {
    const int missing = 2 - this->num_spatial_axes_;
    const auto of_axis = [&](const Blob<int>& values, int axis, int otherwise) {
      return axis < missing ? otherwise : values.cpu_data()[axis - missing];
    };
    const auto size = [&](int axis) { return axis < missing ? 1 : image.shape(this->channel_axis_ + 1 + axis - missing); };
    barista::ops::ConvolutionShape s = {};
    s.N = this->num_, s.G = this->group_;
    s.C = this->reverse_dimensions() ? this->num_output_ : this->channels_;
    s.O = this->reverse_dimensions() ? this->channels_ : this->num_output_;
    s.H = size(0), s.W = size(1);
    s.KH = of_axis(this->kernel_shape_, 0, 1), s.KW = of_axis(this->kernel_shape_, 1, 1);
    s.SH = of_axis(this->stride_, 0, 1), s.SW = of_axis(this->stride_, 1, 1);
    s.PH = of_axis(this->pad_, 0, 0), s.PW = of_axis(this->pad_, 1, 0);
    s.DH = of_axis(this->dilation_, 0, 1), s.DW = of_axis(this->dilation_, 1, 1);
    return s;
  }

  std::unique_ptr<Op> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_BASE_CONVOLUTION_LAYER_HPP_
