// Concatenation on the device: Caffe's layer type FPGAConcat, which takes Concat's concat_param.
//
// Stock code runs for nets of doubles and for empty blobs. A single bottom is shared, not copied, as in stock Caffe.
#ifndef BARISTA_LAYERS_FPGA_CONCAT_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_CONCAT_LAYER_HPP_

#include <vector>

#include "caffe/layers/concat_layer.hpp"
#include "layers/device_layer.hpp"

namespace caffe {

template <typename Dtype>
class FPGAConcatLayer : public barista::layers::DeviceLayer<FPGAConcatLayer, ConcatLayer, Dtype> {
 public:
  explicit FPGAConcatLayer(const LayerParameter& param) : FPGAConcatLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGAConcat"; }

  bool has_nothing_to_do(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& /*top*/) const {
    return bottom.size() == 1;
  }  // it is shared
  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  std::vector<int> runs_;  // floats of each bottom in a row
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_CONCAT_LAYER_HPP_
