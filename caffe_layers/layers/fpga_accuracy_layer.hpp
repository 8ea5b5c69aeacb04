// Accuracy on the device: Caffe's layer type FPGAAccuracy, which takes Accuracy's accuracy_param. A second top is the accuracy of each
// class.
//
// Stock code runs for nets of doubles and for empty blobs. There is no gradient, as in stock Caffe.
#ifndef BARISTA_LAYERS_FPGA_ACCURACY_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_ACCURACY_LAYER_HPP_

#include <memory>
#include <vector>

#include "layers/checked_layers.hpp"
#include "layers/device_layer.hpp"
#include "ops/accuracy.hpp"

namespace caffe {

template <typename Dtype>
class FPGAAccuracyLayer : public barista::layers::DeviceLayer<FPGAAccuracyLayer, CheckedAccuracyLayer, Dtype> {
 public:
  explicit FPGAAccuracyLayer(const LayerParameter& param) : FPGAAccuracyLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGAAccuracy"; }

  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);

 private:
  std::unique_ptr<barista::ops::Accuracy> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_ACCURACY_LAYER_HPP_
