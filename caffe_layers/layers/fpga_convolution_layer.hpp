// Convolution on the device: Caffe's layer type FPGAConvolution, which takes Convolution's convolution_param.
#ifndef BARISTA_LAYERS_FPGA_CONVOLUTION_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_CONVOLUTION_LAYER_HPP_

#include "caffe/layers/conv_layer.hpp"
#include "layers/fpga_base_convolution_layer.hpp"
#include "ops/convolution.hpp"

namespace caffe {

template <typename Dtype>
class FPGAConvolutionLayer
    : public FPGABaseConvolutionLayer<FPGAConvolutionLayer, ConvolutionLayer, barista::ops::Convolution, Dtype> {
 public:
  explicit FPGAConvolutionLayer(const LayerParameter& param) : FPGAConvolutionLayer::FPGABaseConvolutionLayer(param) {}
  const char* type() const override { return "FPGAConvolution"; }
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_CONVOLUTION_LAYER_HPP_
