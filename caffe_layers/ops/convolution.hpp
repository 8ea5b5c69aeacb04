// 2-D convolution, forward and backward: on the PE array, or, where each channel has a kernel of its own, by
// ops/depthwise.hpp.
//
//   dst[n][o][p][q] = bias[o] + sum over c, r, s of src[n][c][p*SH - PH + r*DH][q*SW - PW + s*DW] * weights[o][c][r][s]
//
// src [N][C][H][W], dst [N][O][P][Q], weights [O][C/G][KH][KW], bias [O], all float and packed; group g of O/G outputs sees group g
// of C/G inputs. Every call enqueues and returns.
#ifndef BARISTA_OPS_CONVOLUTION_HPP_
#define BARISTA_OPS_CONVOLUTION_HPP_

#include <memory>

#include "device/program.hpp"
#include "ops/parameter_gradients.hpp"
#include "plan/shapes.hpp"

namespace barista::ops {

using plan::ConvolutionShape;

class Convolution {
 public:
  // Plans all passes; a pass takes memory for its scratch when it first runs. Throws plan::Unsupported for a shape without output,
  // and where a pass has no tile that fits the recipe's memories.
  Convolution(device::Program& program, const ConvolutionShape& shape);
  ~Convolution();

  // bias may be null.
  void forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst);
  // Overwrites diff_src. A bias [C] is added to it where it isn't null: then this is the forward pass of a deconvolution.
  void backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src,
                     const device::Buffer* bias = nullptr);
  // Adds to diff_weights, and to diff_bias where it isn't null.
  void backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                        device::Buffer* diff_bias = nullptr);
  // Adds to diff_bias alone.
  void backward_bias(const device::Buffer& diff_dst, device::Buffer& diff_bias);

 private:
  friend class Deconvolution;
  void backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                        const BiasGradient* bias);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_CONVOLUTION_HPP_
