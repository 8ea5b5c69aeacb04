// Pooling on the device: Caffe's layer type FPGAPooling, which takes Pooling's pooling_param.
//
// A second top gets the winners of a MAX pooling, as in stock Caffe. In training, each forward pass of a STOCHASTIC pooling draws one
// number from Caffe's generator, the key of those on the device (ops/pooling.hpp): so runs repeat under random_seed, and a resumed run
// goes on as an unbroken one. In test phase it has no gradient.
//
// Stock code runs for nets of doubles and for shapes beyond the op, but stock Caffe has none for STOCHASTIC on the CPU: then the
// process ends in Caffe's way.
#ifndef BARISTA_LAYERS_FPGA_POOLING_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_POOLING_LAYER_HPP_

#include <memory>
#include <string>
#include <vector>

#include "caffe/layers/pooling_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "ops/pooling.hpp"

namespace caffe {

template <typename Dtype>
class FPGAPoolingLayer : public PoolingLayer<Dtype> {
 public:
  explicit FPGAPoolingLayer(const LayerParameter& param) : PoolingLayer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  const char* type() const override { return "FPGAPooling"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  std::string why_stock_code(const Blob<Dtype>& bottom, const Blob<Dtype>& top) const;
  bool stochastic() const { return this->layer_param_.pooling_param().pool() == PoolingParameter_PoolMethod_STOCHASTIC; }
  barista::ops::PoolingMethod method() const;
  void give_up(const std::string& reason) const;
  std::unique_ptr<barista::ops::Pooling> plan(barista::device::DeviceManager& manager, const Blob<Dtype>& bottom, bool winners_top);
  void forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top);
  void backward_on_device(const vector<Blob<float>*>& top, const vector<Blob<float>*>& bottom);

  barista::layers::PlannedOp<barista::ops::Pooling> op_;
  barista::device::Buffer winners_;  // where no second top keeps them from forward to backward
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_POOLING_LAYER_HPP_
