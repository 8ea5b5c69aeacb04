// Slicing on the device: Caffe's layer type FPGASlice, which takes Slice's slice_param.
//
// Stock code runs for nets of doubles and for empty blobs. A single top is shared, not copied, as in stock Caffe.
#ifndef BARISTA_LAYERS_FPGA_SLICE_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_SLICE_LAYER_HPP_

#include <vector>

#include "caffe/layers/slice_layer.hpp"
#include "layers/declined.hpp"

namespace caffe {

template <typename Dtype>
class FPGASliceLayer : public SliceLayer<Dtype> {
 public:
  explicit FPGASliceLayer(const LayerParameter& param) : SliceLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGASlice"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  void forward_on_device(const Blob<float>& bottom, const vector<Blob<float>*>& top);
  void backward_on_device(const vector<Blob<float>*>& top, const Blob<float>& bottom);

  barista::layers::DeviceOrStock where_;
  std::vector<int> runs_;  // floats of each top in a row
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_SLICE_LAYER_HPP_
