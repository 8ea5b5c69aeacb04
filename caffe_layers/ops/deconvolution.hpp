// 2-D deconvolution (transposed convolution), forward and backward.
//
//   dst[n][c][p*SH - PH + r*DH][q*SW - PW + s*DW] += src[n][o][p][q] * weights[o][c][r][s], starting from bias[c]
//
// It is described by the convolution that it transposes, from dst [N][C][H][W] to src [N][O][P][Q] with weights [O][C/G][KH][KW]:
// forward is that convolution's backward-data, backward-data its forward. Every call enqueues and returns.
#ifndef BARISTA_OPS_DECONVOLUTION_HPP_
#define BARISTA_OPS_DECONVOLUTION_HPP_

#include "ops/convolution.hpp"

namespace barista::ops {

class Deconvolution {
 public:
  Deconvolution(device::Program& program, const ConvolutionShape& transposed);

  // bias may be null.
  void forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst);
  // Overwrites diff_src.
  void backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src);
  // Adds to diff_weights, and to diff_bias where it isn't null.
  void backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                        device::Buffer* diff_bias = nullptr);
  // Adds to diff_bias alone.
  void backward_bias(const device::Buffer& diff_dst, device::Buffer& diff_bias);

 private:
  BiasGradient bias_gradient_of(const device::Buffer& diff_dst, device::Buffer& diff_bias) const;

  device::Program& program_;
  ConvolutionShape shape_;
  Convolution convolution_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_DECONVOLUTION_HPP_
