// Dropout on the device: Caffe's layer type FPGADropout, which takes Dropout's dropout_param. It may work in place.
//
// In training, each forward pass draws one number from Caffe's generator: the key of a counter-based generator on the device
// (ops/dropout.hpp). So masks are reproducible under random_seed and go on where a resumed run restores Caffe's generator, but they
// are not the masks that stock Caffe draws. With BARISTA_MASKS=caffe in the environment they are: drawn by Caffe on the host, from
// the same generator in the same order, and sent to the device. That is for comparing runs with the CPU, and slow.
//
// Stock code runs for nets of doubles.
#ifndef BARISTA_LAYERS_FPGA_DROPOUT_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_DROPOUT_LAYER_HPP_

#include <vector>

#include "caffe/layers/dropout_layer.hpp"
#include "layers/device_layer.hpp"

namespace caffe {

template <typename Dtype>
class FPGADropoutLayer : public barista::layers::DeviceLayer<FPGADropoutLayer, DropoutLayer, Dtype> {
 public:
  explicit FPGADropoutLayer(const LayerParameter& param) : FPGADropoutLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGADropout"; }

  void set_up(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  bool has_nothing_to_do(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& /*top*/) const {
    return bottom[0]->count() == 0;
  }
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  void draw(const Blob<Dtype>& bottom);
  void apply(const barista::device::Buffer& src, barista::device::Buffer& dst, int count);

  bool caffes_masks_ = false;
  unsigned int key_ = 0;  // of the last forward pass
  Blob<float> mask_;      // of the last forward pass, where Caffe draws it
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_DROPOUT_LAYER_HPP_
