#include "layers/fpga_convolution_layer.hpp"

namespace caffe {

INSTANTIATE_CLASS(FPGAConvolutionLayer);
REGISTER_LAYER_CLASS(FPGAConvolution);

}  // namespace caffe
