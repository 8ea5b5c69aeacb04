// Sum, product and maximum of blobs on the device: Caffe's layer type FPGAEltwise, which takes Eltwise's eltwise_param.
//
// Stock code runs for nets of doubles, and where the top is one of the bottoms, of which stock Caffe's results depend on what it
// overwrites when.
#ifndef BARISTA_LAYERS_FPGA_ELTWISE_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_ELTWISE_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/layers/eltwise_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "layers/kept_data.hpp"

namespace caffe {

template <typename Dtype>
class FPGAEltwiseLayer : public EltwiseLayer<Dtype> {
 public:
  explicit FPGAEltwiseLayer(const LayerParameter& param) : EltwiseLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGAEltwise"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  void forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& top);
  void backward_on_device(const Blob<float>& top, const vector<Blob<float>*>& bottom, int k);

  bool on_device_ = false;
  barista::layers::KeptData dst_;
  barista::device::Buffer winners_;  // from forward to backward, for a maximum
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_ELTWISE_LAYER_HPP_
