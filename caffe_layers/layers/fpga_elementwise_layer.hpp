// The activations on the device: Caffe's layer types FPGAReLU, FPGASigmoid and so on, one a row of BARISTA_ELEMENTWISE_FUNCTIONS
// (plan/elementwise_functions.hpp), which take the stock types' parameters.
//
// They may work in place where the stock type does, and then keep a copy of what their gradient needs: of their input, unless its signs
// can be told from their output, and of their output where the next layer works on it in place. Stock code runs for nets of doubles.
#ifndef BARISTA_LAYERS_FPGA_ELEMENTWISE_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_ELEMENTWISE_LAYER_HPP_

#include <vector>

#include "caffe/layers/absval_layer.hpp"
#include "caffe/layers/bnll_layer.hpp"
#include "caffe/layers/clip_layer.hpp"
#include "caffe/layers/elu_layer.hpp"
#include "caffe/layers/exp_layer.hpp"
#include "caffe/layers/log_layer.hpp"
#include "caffe/layers/power_layer.hpp"
#include "caffe/layers/relu_layer.hpp"
#include "caffe/layers/sigmoid_layer.hpp"
#include "caffe/layers/swish_layer.hpp"
#include "caffe/layers/tanh_layer.hpp"
#include "caffe/layers/threshold_layer.hpp"
#include "layers/device_layer.hpp"
#include "layers/kept_data.hpp"
#include "ops/elementwise.hpp"

namespace barista::layers {

// One function of every element, with data and diffs of Caffe's blobs; in place where `bottom` and `top` share memory.
class ElementwiseOnBlobs {
 public:
  ElementwiseOnBlobs() = default;
  explicit ElementwiseOnBlobs(const ops::Elementwise& function) : function_(function) {}
  bool differentiable() const { return function_.differentiable; }
  void forward(device::Program& program, const caffe::Blob<float>& bottom, const caffe::Blob<float>& top);
  void backward(device::Program& program, const caffe::Blob<float>& top, const caffe::Blob<float>& bottom);

 private:
  bool keeps_src(bool in_place) const;

  ops::Elementwise function_ = {};
  KeptData src_, dst_;
};

}  // namespace barista::layers

namespace caffe {

// What the activations share. A Derived says in function() which one it is, once its stock layer is set up.
template <template <typename> class Derived, template <typename> class Stock, typename Dtype>
class FPGAElementwiseLayer : public barista::layers::DeviceLayer<Derived, Stock, Dtype> {
 public:
  explicit FPGAElementwiseLayer(const LayerParameter& param) : FPGAElementwiseLayer::DeviceLayer(param) {}

  void set_up(const vector<Blob<Dtype>*>& /*bottom*/, const vector<Blob<Dtype>*>& /*top*/) {
    on_blobs_ = barista::layers::ElementwiseOnBlobs(static_cast<Derived<Dtype>&>(*this).function());
  }
  bool has_nothing_to_do(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& /*top*/) const {
    return bottom[0]->count() == 0;
  }
  void forward_on_device(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    on_blobs_.forward(this->program(), *bottom[0], *top[0]);
  }
  void backward_on_device(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down, const vector<Blob<Dtype>*>& bottom) {
    if (!on_blobs_.differentiable()) {  // which says so
      return FPGAElementwiseLayer::DeviceLayer::backward_on_device(top, propagate_down, bottom);
    }
    on_blobs_.backward(this->program(), *top[0], *bottom[0]);
  }

 private:
  barista::layers::ElementwiseOnBlobs on_blobs_;
};

#define BARISTA_FIELD(message, field) this->layer_param_.message().field()
#define BARISTA_MADE(member) this->member
#define BARISTA_DEFINE_LAYER(Name, its_function)                                                                \
  template <typename Dtype>                                                                                     \
  class FPGA##Name##Layer : public FPGAElementwiseLayer<FPGA##Name##Layer, Name##Layer, Dtype> {                \
   public:                                                                                                      \
    explicit FPGA##Name##Layer(const LayerParameter& param) : FPGA##Name##Layer::FPGAElementwiseLayer(param) {} \
    const char* type() const override { return "FPGA" #Name; }                                                  \
    barista::plan::Elementwise function() const { return barista::plan::functions::its_function; }              \
  };
BARISTA_ELEMENTWISE_FUNCTIONS(BARISTA_DEFINE_LAYER, BARISTA_FIELD, BARISTA_MADE)
#undef BARISTA_DEFINE_LAYER
#undef BARISTA_MADE
#undef BARISTA_FIELD

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_ELEMENTWISE_LAYER_HPP_
