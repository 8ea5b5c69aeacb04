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
#include "layers/fpga_layer.hpp"

namespace caffe {

template <typename Dtype>
class FPGADropoutLayer : public DropoutLayer<Dtype> {
 public:
  explicit FPGADropoutLayer(const LayerParameter& param) : DropoutLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGADropout"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  void draw(const Blob<Dtype>& bottom);
  void apply(const barista::device::Buffer& src, barista::device::Buffer& dst, int count);

  bool caffes_masks_ = false;
  unsigned int key_ = 0;  // of the last forward pass
  Blob<float> mask_;      // of the last forward pass, where Caffe draws it
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_DROPOUT_LAYER_HPP_
