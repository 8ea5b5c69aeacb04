// ReLU with a slope that is learnt, one a channel or one for all, as stock Caffe defines it.
//
//   forward:          dst[n][c][i]      = max(src[n][c][i], 0) + slopes[c] * min(src[n][c][i], 0)
//   backward:         diff_src[n][c][i] = diff_dst[n][c][i] * (src[n][c][i] > 0 ? 1 : src[n][c][i] <= 0 ? slopes[c] : 0)
//   backward_slopes:  diff_slopes[c]   += sum of diff_dst[n][c][i] * src[n][c][i] over all n, i with src[n][c][i] <= 0
//
// src, dst, diff_src, diff_dst: float [images][channels][elements]; slopes, diff_slopes: float [channels], or [1] where it is shared.
// dst may be src, and diff_src may be diff_dst. Every call enqueues and returns.
#ifndef BARISTA_OPS_PRELU_HPP_
#define BARISTA_OPS_PRELU_HPP_

#include "device/program.hpp"
#include "plan/normalisation.hpp"

namespace barista::ops {

using plan::PReLUShape;

void prelu_forward(device::Program& program, const PReLUShape& shape, const device::Buffer& src, const device::Buffer& slopes,
                   device::Buffer& dst);
// Overwrites diff_src.
void prelu_backward(device::Program& program, const PReLUShape& shape, const device::Buffer& src, const device::Buffer& slopes,
                    const device::Buffer& diff_dst, device::Buffer& diff_src);
// Adds to diff_slopes.
void prelu_backward_slopes(device::Program& program, const PReLUShape& shape, const device::Buffer& src,
                           const device::Buffer& diff_dst, device::Buffer& diff_slopes);

}  // namespace barista::ops

#endif  // BARISTA_OPS_PRELU_HPP_
