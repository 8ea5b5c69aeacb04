// Softmax with cross entropy on the device: Caffe's layer type FPGASoftmaxWithLoss, which takes SoftmaxWithLoss's loss_param and
// softmax_param. A second top is the softmax.
//
// The loss stays on the device until somebody reads it, which is one number. Stock code runs for nets of doubles and for empty blobs.
#ifndef BARISTA_LAYERS_FPGA_SOFTMAX_LOSS_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_SOFTMAX_LOSS_LAYER_HPP_

#include <memory>
#include <optional>
#include <vector>

#include "layers/checked_layers.hpp"
#include "layers/device_layer.hpp"
#include "ops/softmax_loss.hpp"

namespace caffe {

template <typename Dtype>
class FPGASoftmaxWithLossLayer : public barista::layers::DeviceLayer<FPGASoftmaxWithLossLayer, CheckedSoftmaxWithLossLayer, Dtype> {
 public:
  explicit FPGASoftmaxWithLossLayer(const LayerParameter& param) : FPGASoftmaxWithLossLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGASoftmaxWithLoss"; }

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  // Ends the process where the labels' gradient is asked for, as stock Caffe does.
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  // What the loss is divided by, or none where it is the number of labels that count.
  std::optional<float> divisor();

  std::unique_ptr<barista::ops::SoftmaxLoss> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_SOFTMAX_LOSS_LAYER_HPP_
