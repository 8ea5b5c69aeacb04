// Batch normalisation on the device: Caffe's layer type FPGABatchNorm, which takes BatchNorm's batch_norm_param.
//
// Its three blobs (moving mean, moving variance, and the factor by which both are divided) are kept as stock Caffe keeps them, and on the
// device: in training nothing of the layer passes through the host. It may work in place, and keeps what it computed for the backward
// pass, as stock Caffe does, since the layers after it may work in place too.
//
// Stock code runs for nets of doubles.
#ifndef BARISTA_LAYERS_FPGA_BATCH_NORM_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_BATCH_NORM_LAYER_HPP_

#include <vector>

#include "caffe/layers/batch_norm_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "ops/batch_norm.hpp"

namespace caffe {

template <typename Dtype>
class FPGABatchNormLayer : public BatchNormLayer<Dtype> {
 public:
  explicit FPGABatchNormLayer(const LayerParameter& param) : BatchNormLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGABatchNorm"; }

 protected:
  // In training mode, moves the statistics.
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  void forward_on_device(const Blob<float>& bottom, const Blob<float>& top);
  void backward_on_device(const Blob<float>& top, const Blob<float>& bottom);

  barista::layers::PlannedOp<barista::ops::BatchNorm> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_BATCH_NORM_LAYER_HPP_
