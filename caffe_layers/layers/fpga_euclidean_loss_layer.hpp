// Half the mean squared distance on the device: Caffe's layer type FPGAEuclideanLoss, which takes what EuclideanLoss takes.
//
// Both bottoms may ask for their gradients. Stock code runs for nets of doubles and for empty blobs.
#ifndef BARISTA_LAYERS_FPGA_EUCLIDEAN_LOSS_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_EUCLIDEAN_LOSS_LAYER_HPP_

#include <vector>

#include "caffe/layers/euclidean_loss_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "ops/euclidean_loss.hpp"

namespace caffe {

template <typename Dtype>
class FPGAEuclideanLossLayer : public EuclideanLossLayer<Dtype> {
 public:
  explicit FPGAEuclideanLossLayer(const LayerParameter& param) : EuclideanLossLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGAEuclideanLoss"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  void forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& difference, const Blob<float>& top);
  void backward_on_device(const Blob<float>& top, const Blob<float>& difference, const vector<bool>& propagate_down,
                          const vector<Blob<float>*>& bottom);

  barista::layers::PlannedOp<barista::ops::EuclideanLoss> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_EUCLIDEAN_LOSS_LAYER_HPP_
