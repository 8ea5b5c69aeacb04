// PReLU on the device: Caffe's layer type FPGAPReLU, which takes PReLU's prelu_param. It may work in place: then it keeps a copy of its
// input on the device, as stock Caffe does on the host.
//
// Stock code runs for nets of doubles.
#ifndef BARISTA_LAYERS_FPGA_PRELU_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_PRELU_LAYER_HPP_

#include <vector>

#include "caffe/layers/prelu_layer.hpp"
#include "layers/device_layer.hpp"
#include "ops/prelu.hpp"

namespace caffe {

template <typename Dtype>
class FPGAPReLULayer : public barista::layers::DeviceLayer<FPGAPReLULayer, PReLULayer, Dtype> {
 public:
  explicit FPGAPReLULayer(const LayerParameter& param) : FPGAPReLULayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGAPReLU"; }

  bool has_nothing_to_do(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& /*top*/) const {
    return bottom[0]->count() == 0;
  }
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  barista::ops::PReLUShape shape_of(const Blob<Dtype>& bottom) const;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_PRELU_LAYER_HPP_
