// Inner product on the device: Caffe's layer type FPGAInnerProduct, which takes InnerProduct's inner_product_param.
//
// Stock code runs for nets of doubles and for shapes beyond the op (ops/inner_product.hpp).
#ifndef BARISTA_LAYERS_FPGA_INNER_PRODUCT_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_INNER_PRODUCT_LAYER_HPP_

#include <memory>
#include <vector>

#include "caffe/layers/inner_product_layer.hpp"
#include "layers/device_layer.hpp"
#include "ops/inner_product.hpp"

namespace caffe {

template <typename Dtype>
class FPGAInnerProductLayer : public barista::layers::DeviceLayer<FPGAInnerProductLayer, InnerProductLayer, Dtype> {
 public:
  explicit FPGAInnerProductLayer(const LayerParameter& param) : FPGAInnerProductLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGAInnerProduct"; }

  void set_up(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  // Adds to the gradients of weights and bias, overwrites that of the bottom.
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  std::unique_ptr<barista::ops::InnerProduct> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_INNER_PRODUCT_LAYER_HPP_
