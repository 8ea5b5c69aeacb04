// Concatenation on the device: Caffe's layer type FPGAConcat, which takes Concat's concat_param.
//
// Stock code runs for nets of doubles and for empty blobs. A single bottom is shared, not copied, as in stock Caffe.
#ifndef BARISTA_LAYERS_FPGA_CONCAT_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_CONCAT_LAYER_HPP_

#include <vector>

#include "caffe/layers/concat_layer.hpp"
#include "layers/declined.hpp"

namespace caffe {

template <typename Dtype>
class FPGAConcatLayer : public ConcatLayer<Dtype> {
 public:
  explicit FPGAConcatLayer(const LayerParameter& param) : ConcatLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGAConcat"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  void forward_on_device(const vector<Blob<float>*>& bottom, const Blob<float>& top);
  void backward_on_device(const Blob<float>& top, const vector<bool>& propagate_down, const vector<Blob<float>*>& bottom);

  barista::layers::DeviceOrStock where_;
  std::vector<int> runs_;  // floats of each bottom in a row
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_CONCAT_LAYER_HPP_
