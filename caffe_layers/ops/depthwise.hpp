// Depthwise 2-D convolution, each channel with a kernel of its own, forward and backward.
//
//   dst[n][c][p][q] = bias[c] + sum over r, s of src[n][c][p*SH - PH + r*DH][q*SW - PW + s*DW] * weights[c][r][s]
//
// src [N][C][H][W], dst [N][C][P][Q], weights [C][KH][KW], bias [C], all float and packed: a convolution (ops/convolution.hpp)
// with as many groups as input channels and as output channels. Every call enqueues and returns.
#ifndef BARISTA_OPS_DEPTHWISE_HPP_
#define BARISTA_OPS_DEPTHWISE_HPP_

#include <memory>

#include "device/program.hpp"
#include "plan/shapes.hpp"

namespace barista::ops {

class Depthwise {
 public:
  // Of a shape that plan::is_depthwise() is true of. Plans all passes; each takes memory for its plan when it first runs. Throws
  // plan::Unsupported where not even one result and one weight fit the recipe's memories.
  Depthwise(device::Program& program, const plan::ConvolutionShape& shape);
  ~Depthwise();

  // bias may be null.
  void forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst);
  // Overwrites diff_src. A bias [C] is added to it where it isn't null.
  void backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src,
                     const device::Buffer* bias);
  // Adds to diff_weights.
  void backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_DEPTHWISE_HPP_
