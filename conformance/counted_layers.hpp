// CountedConvolutionLayer<Dtype>, ...: the FPGA layers of conformance/table.py, each counting its calls.
#ifndef BARISTA_CONFORMANCE_COUNTED_LAYERS_HPP_
#define BARISTA_CONFORMANCE_COUNTED_LAYERS_HPP_

#include "counts.hpp"
#include "headers.inc"

namespace caffe {

#define LAYER(Name)         \
  template <typename Dtype> \
  using Counted##Name##Layer = barista::conformance::Counted<FPGA##Name##Layer, Dtype, barista::conformance::k##Name>;
#include "layers.inc"
#undef LAYER

}  // namespace caffe

#endif  // BARISTA_CONFORMANCE_COUNTED_LAYERS_HPP_
