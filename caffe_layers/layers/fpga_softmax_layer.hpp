// Softmax on the device: Caffe's layer type FPGASoftmax, which takes Softmax's softmax_param. It may work in place.
//
// Stock code runs for nets of doubles and for empty blobs.
#ifndef BARISTA_LAYERS_FPGA_SOFTMAX_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_SOFTMAX_LAYER_HPP_

#include <vector>

#include "caffe/layers/softmax_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "layers/kept_data.hpp"
#include "ops/softmax.hpp"

namespace caffe {

template <typename Dtype>
class FPGASoftmaxLayer : public SoftmaxLayer<Dtype> {
 public:
  explicit FPGASoftmaxLayer(const LayerParameter& param) : SoftmaxLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGASoftmax"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  void forward_on_device(const Blob<float>& bottom, const Blob<float>& top);
  void backward_on_device(const Blob<float>& top, const Blob<float>& bottom);

  barista::layers::PlannedOp<barista::ops::Softmax> op_;
  barista::layers::KeptData dst_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_SOFTMAX_LAYER_HPP_
