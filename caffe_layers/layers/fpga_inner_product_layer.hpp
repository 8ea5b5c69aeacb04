// Inner product on the device: Caffe's layer type FPGAInnerProduct, which takes InnerProduct's inner_product_param.
//
// Stock code runs for nets of doubles and for shapes beyond the op (ops/inner_product.hpp).
#ifndef BARISTA_LAYERS_FPGA_INNER_PRODUCT_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_INNER_PRODUCT_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/layers/inner_product_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "ops/inner_product.hpp"

namespace caffe {

template <typename Dtype>
class FPGAInnerProductLayer : public InnerProductLayer<Dtype> {
 public:
  explicit FPGAInnerProductLayer(const LayerParameter& param) : InnerProductLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGAInnerProduct"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  // Adds to the gradients of weights and bias, overwrites that of the bottom.
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  std::string why_stock_code(const Blob<Dtype>& bottom, const Blob<Dtype>& top) const;
  void forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top);
  void backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& propagate_down, const vector<Blob<float>*>& bottom);

  barista::layers::PlannedOp<barista::ops::InnerProduct> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_INNER_PRODUCT_LAYER_HPP_
