// Softmax with cross entropy on the device: Caffe's layer type FPGASoftmaxWithLoss, which takes SoftmaxWithLoss's loss_param and
// softmax_param. A second top is the softmax.
//
// The loss stays on the device until somebody reads it, which is one number. Stock code runs for nets of doubles and for empty blobs.
#ifndef BARISTA_LAYERS_FPGA_SOFTMAX_LOSS_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_SOFTMAX_LOSS_LAYER_HPP_

#include <optional>
#include <vector>

#include "caffe/layers/softmax_loss_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "ops/softmax_loss.hpp"

namespace caffe {

template <typename Dtype>
class FPGASoftmaxWithLossLayer : public SoftmaxWithLossLayer<Dtype> {
 public:
  explicit FPGASoftmaxWithLossLayer(const LayerParameter& param) : SoftmaxWithLossLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGASoftmaxWithLoss"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  // Ends the process where the labels' gradient is asked for, as stock Caffe does.
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  // What the loss is divided by, or none where it is the number of labels that count.
  std::optional<float> divisor();
  void forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& prob, const vector<Blob<float>*>& top);
  void backward_on_device(const Blob<float>& top, const Blob<float>& prob, const vector<Blob<float>*>& bottom);

  barista::layers::PlannedOp<barista::ops::SoftmaxLoss> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_SOFTMAX_LOSS_LAYER_HPP_
