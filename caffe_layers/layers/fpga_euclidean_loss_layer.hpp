// Half the mean squared distance on the device: Caffe's layer type FPGAEuclideanLoss, which takes what EuclideanLoss takes.
//
// Both bottoms may ask for their gradients. Stock code runs for nets of doubles and for empty blobs.
#ifndef BARISTA_LAYERS_FPGA_EUCLIDEAN_LOSS_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_EUCLIDEAN_LOSS_LAYER_HPP_

#include <memory>
#include <vector>

#include "caffe/layers/euclidean_loss_layer.hpp"
#include "layers/device_layer.hpp"
#include "ops/euclidean_loss.hpp"

namespace caffe {

template <typename Dtype>
class FPGAEuclideanLossLayer : public barista::layers::DeviceLayer<FPGAEuclideanLossLayer, EuclideanLossLayer, Dtype> {
 public:
  explicit FPGAEuclideanLossLayer(const LayerParameter& param) : FPGAEuclideanLossLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGAEuclideanLoss"; }

  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  std::unique_ptr<barista::ops::EuclideanLoss> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_EUCLIDEAN_LOSS_LAYER_HPP_
