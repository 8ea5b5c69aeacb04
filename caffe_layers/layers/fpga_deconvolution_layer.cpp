#include "layers/fpga_deconvolution_layer.hpp"

namespace caffe {

INSTANTIATE_CLASS(FPGADeconvolutionLayer);
REGISTER_LAYER_CLASS(FPGADeconvolution);

}  // namespace caffe
