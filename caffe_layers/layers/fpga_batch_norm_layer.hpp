// Batch normalisation on the device: Caffe's layer type FPGABatchNorm, which takes BatchNorm's batch_norm_param.
//
// Its three blobs (moving mean, moving variance, and the factor by which both are divided) are kept as stock Caffe keeps them, and on the
// device: in training nothing of the layer passes through the host. It may work in place, and keeps what it computed for the backward
// pass, as stock Caffe does, since the layers after it may work in place too.
//
// Stock code runs for nets of doubles.
#ifndef BARISTA_LAYERS_FPGA_BATCH_NORM_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_BATCH_NORM_LAYER_HPP_

#include <memory>
#include <vector>

#include "caffe/layers/batch_norm_layer.hpp"
#include "layers/device_layer.hpp"
#include "ops/batch_norm.hpp"

namespace caffe {

template <typename Dtype>
class FPGABatchNormLayer : public barista::layers::DeviceLayer<FPGABatchNormLayer, BatchNormLayer, Dtype> {
 public:
  explicit FPGABatchNormLayer(const LayerParameter& param) : FPGABatchNormLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGABatchNorm"; }

  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void set_up(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  // In training mode, moves the statistics.
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  std::unique_ptr<barista::ops::BatchNorm> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_BATCH_NORM_LAYER_HPP_
