// LRN on the device: Caffe's layer type FPGALRN, which takes LRN's lrn_param.
//
// Within a channel stock Caffe makes layers of its own, of Split, Power, Pooling and Eltwise; here it is one operation, and theirs do
// nothing. As there, k plays no part then. Of an empty blob nothing is made, where stock Caffe gives up. Stock code runs for nets of
// doubles, for a top that is the bottom (what stock Caffe makes of that is no LRN), and for windows beyond the op (ops/lrn.hpp).
#ifndef BARISTA_LAYERS_FPGA_LRN_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_LRN_LAYER_HPP_

#include <memory>
#include <string>
#include <vector>

#include "caffe/layers/lrn_layer.hpp"
#include "layers/device_layer.hpp"
#include "ops/lrn.hpp"

namespace caffe {

template <typename Dtype>
class FPGALRNLayer : public barista::layers::DeviceLayer<FPGALRNLayer, LRNLayer, Dtype> {
 public:
  explicit FPGALRNLayer(const LayerParameter& param) : FPGALRNLayer::DeviceLayer(param) {}
  const char* type() const override { return "FPGALRN"; }

  bool has_nothing_to_do(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& /*top*/) const {
    return bottom[0]->count() == 0;
  }
  std::string why_stock_code(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) const;
  void plan(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom);

 private:
  std::unique_ptr<barista::ops::LRN> op_;
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_LRN_LAYER_HPP_
