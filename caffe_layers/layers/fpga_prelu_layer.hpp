// PReLU on the device: Caffe's layer type FPGAPReLU, which takes PReLU's prelu_param. It may work in place: then it keeps a copy of its
// input on the device, as stock Caffe does on the host.
//
// Stock code runs for nets of doubles.
#ifndef BARISTA_LAYERS_FPGA_PRELU_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_PRELU_LAYER_HPP_

#include <vector>

#include "caffe/layers/prelu_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "ops/prelu.hpp"

namespace caffe {

template <typename Dtype>
class FPGAPReLULayer : public PReLULayer<Dtype> {
 public:
  explicit FPGAPReLULayer(const LayerParameter& param) : PReLULayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGAPReLU"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  barista::ops::PReLUShape shape_of(const Blob<float>& bottom) const;
  // `kept_bottom` is what forward read: the bottom, or the copy of one that was worked on in place.
  void forward_on_device(const Blob<float>& bottom, const Blob<float>& top, const Blob<float>& parameter,
                         const Blob<float>& kept_bottom);
  void backward_on_device(const Blob<float>& top, bool propagate_down, const Blob<float>& kept_bottom, const Blob<float>& bottom,
                          const Blob<float>& parameter);
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_PRELU_LAYER_HPP_
