// Slicing on the device: Caffe's layer type FPGASlice, which takes Slice's slice_param.
//
// Stock code runs for nets of doubles and for empty blobs. A single top is shared, not copied, as in stock Caffe.
#ifndef BARISTA_LAYERS_FPGA_SLICE_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_SLICE_LAYER_HPP_

#include <vector>

#include "caffe/layers/slice_layer.hpp"
#include "layers/device_layer.hpp"

namespace caffe {

template <typename Dtype>
class FPGASliceLayer : public barista::layers::DeviceLayer<FPGASliceLayer, SliceLayer, Dtype> {
 public:
  explicit FPGASliceLayer(const LayerParameter& param) : FPGASliceLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGASlice"; }

  bool has_nothing_to_do(const vector<Blob<Dtype>*>& /*bottom*/, const vector<Blob<Dtype>*>& top) const {
    return top.size() == 1;
  }  // it is shared
  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  std::vector<int> runs_;  // floats of each top in a row
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_SLICE_LAYER_HPP_
