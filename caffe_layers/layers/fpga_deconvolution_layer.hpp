// Deconvolution on the device: Caffe's layer type FPGADeconvolution, which takes Deconvolution's convolution_param.
#ifndef BARISTA_LAYERS_FPGA_DECONVOLUTION_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_DECONVOLUTION_LAYER_HPP_

#include "caffe/layers/deconv_layer.hpp"
#include "layers/fpga_base_convolution_layer.hpp"
#include "ops/deconvolution.hpp"

namespace caffe {

template <typename Dtype>
class FPGADeconvolutionLayer
    : public FPGABaseConvolutionLayer<FPGADeconvolutionLayer, DeconvolutionLayer, barista::ops::Deconvolution, Dtype> {
 public:
  explicit FPGADeconvolutionLayer(const LayerParameter& param) : FPGADeconvolutionLayer::FPGABaseConvolutionLayer(param) {}
  const char* type() const override { return "FPGADeconvolution"; }
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_DECONVOLUTION_LAYER_HPP_
