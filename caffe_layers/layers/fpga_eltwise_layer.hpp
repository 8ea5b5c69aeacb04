// Sum, product and maximum of blobs on the device: Caffe's layer type FPGAEltwise, which takes Eltwise's eltwise_param.
//
// Stock code runs for nets of doubles, and where the top is one of the bottoms, of which stock Caffe's results depend on what it
// overwrites when.
#ifndef BARISTA_LAYERS_FPGA_ELTWISE_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_ELTWISE_LAYER_HPP_

#include <string>
#include <vector>

#include "caffe/layers/eltwise_layer.hpp"
#include "layers/device_layer.hpp"
#include "layers/kept_data.hpp"

namespace caffe {

template <typename Dtype>
class FPGAEltwiseLayer : public barista::layers::DeviceLayer<FPGAEltwiseLayer, EltwiseLayer, Dtype> {
 public:
  explicit FPGAEltwiseLayer(const LayerParameter& param) : FPGAEltwiseLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGAEltwise"; }

  bool has_nothing_to_do(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& /*top*/) const {
    return bottom[0]->count() == 0;
  }
  std::string why_stock_code(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) const;
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  void backward_to(const Blob<Dtype>& top, const vector<Blob<Dtype>*>& bottom, int k);

  barista::layers::KeptData dst_;
  barista::device::Buffer winners_;  // from forward to backward, for a maximum
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_ELTWISE_LAYER_HPP_
