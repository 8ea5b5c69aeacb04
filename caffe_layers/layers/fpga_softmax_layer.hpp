// Softmax on the device: Caffe's layer type FPGASoftmax, which takes Softmax's softmax_param. It may work in place.
//
// Stock code runs for nets of doubles and for empty blobs.
#ifndef BARISTA_LAYERS_FPGA_SOFTMAX_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_SOFTMAX_LAYER_HPP_

#include <memory>
#include <vector>

#include "caffe/layers/softmax_layer.hpp"
#include "layers/device_layer.hpp"
#include "layers/kept_data.hpp"
#include "ops/softmax.hpp"

namespace caffe {

template <typename Dtype>
class FPGASoftmaxLayer : public barista::layers::DeviceLayer<FPGASoftmaxLayer, SoftmaxLayer, Dtype> {
 public:
  explicit FPGASoftmaxLayer(const LayerParameter& param) : FPGASoftmaxLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGASoftmax"; }

  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  std::unique_ptr<barista::ops::Softmax> op_;
  barista::layers::KeptData dst_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_SOFTMAX_LAYER_HPP_
