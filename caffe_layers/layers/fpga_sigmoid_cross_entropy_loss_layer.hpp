// Cross entropy of sigmoids on the device: Caffe's layer type FPGASigmoidCrossEntropyLoss, which takes SigmoidCrossEntropyLoss's
// loss_param.
//
// The loss stays on the device until somebody reads it, which is one number. Stock code runs for nets of doubles and for empty blobs.
#ifndef BARISTA_LAYERS_FPGA_SIGMOID_CROSS_ENTROPY_LOSS_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_SIGMOID_CROSS_ENTROPY_LOSS_LAYER_HPP_

#include <memory>
#include <optional>
#include <vector>

#include "caffe/layers/sigmoid_cross_entropy_loss_layer.hpp"
#include "layers/device_layer.hpp"
#include "ops/sigmoid_cross_entropy_loss.hpp"

namespace caffe {

template <typename Dtype>
class FPGASigmoidCrossEntropyLossLayer
    : public barista::layers::DeviceLayer<FPGASigmoidCrossEntropyLossLayer, SigmoidCrossEntropyLossLayer, Dtype> {
 public:
  explicit FPGASigmoidCrossEntropyLossLayer(const LayerParameter& param) : FPGASigmoidCrossEntropyLossLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGASigmoidCrossEntropyLoss"; }

  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  // Ends the process where the targets' gradient is asked for, as stock Caffe does.
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  // What the loss is divided by, or none where it is the number of targets that count.
  std::optional<float> divisor();

  std::unique_ptr<barista::ops::SigmoidCrossEntropyLoss> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_SIGMOID_CROSS_ENTROPY_LOSS_LAYER_HPP_
