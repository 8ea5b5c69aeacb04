// The activations on the device: Caffe's layer types FPGAReLU, FPGASigmoid, FPGATanH, FPGAELU, FPGAPower, FPGAAbsVal, FPGAExp, FPGALog,
// FPGABNLL and FPGAThreshold, which take the stock types' parameters.
//
// They may work in place where the stock type does, and then keep a copy of what their gradient needs: of their input, unless its signs
// can be told from their output, and of their output where the next layer works on it in place. Stock code runs for nets of doubles.
#ifndef BARISTA_LAYERS_FPGA_ELEMENTWISE_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_ELEMENTWISE_LAYER_HPP_

#include <vector>

#include "caffe/layers/absval_layer.hpp"
#include "caffe/layers/bnll_layer.hpp"
#include "caffe/layers/elu_layer.hpp"
#include "caffe/layers/exp_layer.hpp"
#include "caffe/layers/log_layer.hpp"
#include "caffe/layers/power_layer.hpp"
#include "caffe/layers/relu_layer.hpp"
#include "caffe/layers/sigmoid_layer.hpp"
#include "caffe/layers/tanh_layer.hpp"
#include "caffe/layers/threshold_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "layers/kept_data.hpp"
#include "ops/elementwise.hpp"

namespace barista::layers {

// One function of every element, with data and diffs of Caffe's blobs; in place where `bottom` and `top` share memory.
class ElementwiseOnBlobs {
 public:
  ElementwiseOnBlobs() = default;
  explicit ElementwiseOnBlobs(const ops::Elementwise& function) : function_(function) {}
  bool differentiable() const { return function_.differentiable; }
  void forward(const caffe::Blob<float>& bottom, const caffe::Blob<float>& top);
  void backward(const caffe::Blob<float>& top, const caffe::Blob<float>& bottom);

 private:
  bool keeps_src(bool in_place) const;

  ops::Elementwise function_ = {};
  KeptData src_, dst_;
};

}  // namespace barista::layers

namespace caffe {

// What the activations share. A subclass names its stock layer and says which function it is.
template <template <typename> class Stock, typename Dtype>
class FPGAElementwiseLayer : public Stock<Dtype> {
 public:
  explicit FPGAElementwiseLayer(const LayerParameter& param) : Stock<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    barista::layers::check_param_str(this->layer_param_);
    Stock<Dtype>::LayerSetUp(bottom, top);
    on_blobs_ = barista::layers::ElementwiseOnBlobs(function());
    if (!barista::layers::kOnDevice<Dtype>)
      barista::layers::log_stock_code(this->layer_param_, "the net is of doubles, the device computes in single precision");
  }

 protected:
  // Called once the stock layer is set up.
  virtual barista::ops::Elementwise function() const = 0;

  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    if constexpr (barista::layers::kOnDevice<Dtype>) {
      barista::layers::at_caffes_edge(this->layer_param_, [&] { on_blobs_.forward(*bottom[0], *top[0]); });
    } else {
      Stock<Dtype>::Forward_cpu(bottom, top);
    }
  }

  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override {
    if (!propagate_down[0]) return;
    if constexpr (barista::layers::kOnDevice<Dtype>) {
      if (on_blobs_.differentiable())
        return barista::layers::at_caffes_edge(this->layer_param_, [&] { on_blobs_.backward(*top[0], *bottom[0]); });
    }
    Stock<Dtype>::Backward_cpu(top, propagate_down, bottom);  // which says that it can't, where there is no gradient
  }

 private:
  barista::layers::ElementwiseOnBlobs on_blobs_;
};

#define BARISTA_ELEMENTWISE_LAYER(Name)                                                                          \
  template <typename Dtype>                                                                                      \
  class FPGA##Name##Layer : public FPGAElementwiseLayer<Name##Layer, Dtype> {                                    \
   public:                                                                                                       \
    explicit FPGA##Name##Layer(const LayerParameter& param) : FPGAElementwiseLayer<Name##Layer, Dtype>(param) {} \
    const char* type() const override { return "FPGA" #Name; }                                                   \
                                                                                                                 \
   protected:                                                                                                    \
    barista::ops::Elementwise function() const override;                                                         \
  };

BARISTA_ELEMENTWISE_LAYER(ReLU)
BARISTA_ELEMENTWISE_LAYER(Sigmoid)
BARISTA_ELEMENTWISE_LAYER(TanH)
BARISTA_ELEMENTWISE_LAYER(ELU)
BARISTA_ELEMENTWISE_LAYER(Power)
BARISTA_ELEMENTWISE_LAYER(AbsVal)
BARISTA_ELEMENTWISE_LAYER(Exp)
BARISTA_ELEMENTWISE_LAYER(Log)
BARISTA_ELEMENTWISE_LAYER(BNLL)
BARISTA_ELEMENTWISE_LAYER(Threshold)
#undef BARISTA_ELEMENTWISE_LAYER

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_ELEMENTWISE_LAYER_HPP_
