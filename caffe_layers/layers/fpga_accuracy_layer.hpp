// Accuracy on the device: Caffe's layer type FPGAAccuracy, which takes Accuracy's accuracy_param. A second top is the accuracy of each
// class.
//
// Stock code runs for nets of doubles and for empty blobs. There is no gradient, as in stock Caffe.
#ifndef BARISTA_LAYERS_FPGA_ACCURACY_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_ACCURACY_LAYER_HPP_

#include <vector>

#include "caffe/layers/accuracy_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "ops/accuracy.hpp"

namespace caffe {

template <typename Dtype>
class FPGAAccuracyLayer : public AccuracyLayer<Dtype> {
 public:
  explicit FPGAAccuracyLayer(const LayerParameter& param) : AccuracyLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGAAccuracy"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;

 private:
  void forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top);

  barista::layers::PlannedOp<barista::ops::Accuracy> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_ACCURACY_LAYER_HPP_
