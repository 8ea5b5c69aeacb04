// Scale and Bias on the device: Caffe's layer types FPGAScale and FPGABias, which take scale_param and bias_param.
//
// Both are one op, dst = src * scale[c] + bias[c]; a Scale with bias_term does it in one pass, without the Bias layer that stock Caffe
// makes for it. Scale and bias may be learnt or come as a second bottom, and either layer may work in place: then Scale keeps a copy of
// its input on the device. In a net for testing, work in place is left to the store of the PE array where that can be
// (ops/post_ops.hpp); then the copy is made when somebody goes backward through the net nevertheless.
//
// Stock code runs for nets of doubles, for empty blobs, and for a Scale whose weights came with a bias of another shape than its scale's.
#ifndef BARISTA_LAYERS_FPGA_SCALE_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_SCALE_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/layers/bias_layer.hpp"
#include "caffe/layers/scale_layer.hpp"
#include "layers/device_layer.hpp"
#include "ops/post_ops.hpp"
#include "ops/scale.hpp"

namespace caffe {

template <typename Dtype>
class FPGAScaleLayer : public barista::layers::DeviceLayer<FPGAScaleLayer, ScaleLayer, Dtype> {
 public:
  explicit FPGAScaleLayer(const LayerParameter& param) : FPGAScaleLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGAScale"; }

  std::string why_stock_code(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) const;
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  const Blob<Dtype>& scale_of(const vector<Blob<Dtype>*>& bottom) const;
  const Blob<Dtype>* bias() const;
  bool adds_to_scale(const vector<Blob<Dtype>*>& bottom) const;

  barista::ops::AffinePostOp post_op_;
  bool is_fused_ = false;  // in the last forward pass
};

template <typename Dtype>
class FPGABiasLayer : public barista::layers::DeviceLayer<FPGABiasLayer, BiasLayer, Dtype> {
 public:
  explicit FPGABiasLayer(const LayerParameter& param) : FPGABiasLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGABias"; }

  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  const Blob<Dtype>& bias_of(const vector<Blob<Dtype>*>& bottom) const;

  barista::ops::AffinePostOp post_op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_SCALE_LAYER_HPP_
