// Pooling on the device: Caffe's layer type FPGAPooling, which takes Pooling's pooling_param.
//
// A second top gets the winners of a MAX pooling, as in stock Caffe. In training, each forward pass of a STOCHASTIC pooling draws one
// number from Caffe's generator, the key of those on the device (ops/pooling.hpp): so runs repeat under random_seed, and a resumed run
// goes on as an unbroken one. In test phase it has no gradient.
//
// Stock code runs for nets of doubles and for shapes beyond the op, but stock Caffe has none for STOCHASTIC on the CPU: then the
// process ends in Caffe's way.
#ifndef BARISTA_LAYERS_FPGA_POOLING_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_POOLING_LAYER_HPP_

#include <memory>
#include <string>
#include <vector>

#include "caffe/layers/pooling_layer.hpp"
#include "layers/device_layer.hpp"
#include "ops/pooling.hpp"

namespace caffe {

template <typename Dtype>
class FPGAPoolingLayer : public barista::layers::DeviceLayer<FPGAPoolingLayer, PoolingLayer, Dtype> {
 public:
  explicit FPGAPoolingLayer(const LayerParameter& param) : FPGAPoolingLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGAPooling"; }

  bool has_nothing_to_do(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& /*top*/) const {
    return stochastic() && bottom[0]->count() == 0;
  }
  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void before_stock_code(const std::string& reason) const;
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  bool stochastic() const { return this->layer_param_.pooling_param().pool() == PoolingParameter_PoolMethod_STOCHASTIC; }
  barista::ops::PoolingMethod method() const;

  std::unique_ptr<barista::ops::Pooling> op_;
  barista::device::Buffer winners_;  // where no second top keeps them from forward to backward
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_POOLING_LAYER_HPP_
