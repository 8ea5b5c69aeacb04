// 2-D max, average and stochastic pooling, forward and backward, as stock Caffe defines them.
//
//   forward:   dst[n][c][p][q]      = maximum, average, or an element drawn of src[n][c][h][w] over the window
//                                     p*SH - PH <= h < p*SH - PH + KH, likewise w
//   backward:  diff_src[n][c][h][w] = sum of diff_dst over the windows that hold (h, w): where it won, or divided by their size
//
// src [N][C][H][W], dst [N][C][P][Q], winners as dst, all float and packed. A maximum is the first greatest value of its window, and
// winners has its index h*W + w as a number; where nothing is greater than -FLT_MAX (a window of NaN, or outside the image), it is
// -FLT_MAX and -1. An average is divided by the part of the window that lies in the padded image. Every call enqueues and returns.
//
// A stochastic pooling draws, for values that are not negative, each element of a window as often as its share of the window's sum
// says: the first at which the running sum reaches r times the sum, r = (word(key, i) >> 8) / 2^24 + 2^-24 of the output with index i in
// dst, and the words those of dropout (ops/dropout.hpp). So what is drawn depends on nothing but key, index and values. Where no running
// sum gets so far (NaN, a window outside the image, or a negative sum), dst is 0, or NaN if the sum is, and the winner -1. The expected
// pooling is what takes its place in test phase: the window's sum of squares over its sum, 0 where that is not above 0.
#ifndef BARISTA_OPS_POOLING_HPP_
#define BARISTA_OPS_POOLING_HPP_

#include <cstdint>
#include <memory>

#include "device/program.hpp"
#include "plan/pooling.hpp"

namespace barista::ops {

using plan::PoolingMethod;
using plan::PoolingShape;

class Pooling {
 public:
  // Plans tiles. Throws plan::Unsupported as plan::plan_pooling() does.
  Pooling(device::Program& program, const PoolingShape& shape, PoolingMethod method);
  ~Pooling();

  // Overwrites dst and, for a maximum or a stochastic pooling, winners; for others winners is not used and may be without memory. `key`
  // is that of what a stochastic pooling draws.
  void forward(const device::Buffer& src, device::Buffer& dst, device::Buffer& winners, std::uint32_t key = 0);
  // Overwrites diff_src. An expected pooling has no gradient.
  void backward(const device::Buffer& diff_dst, const device::Buffer& winners, device::Buffer& diff_src);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_POOLING_HPP_
