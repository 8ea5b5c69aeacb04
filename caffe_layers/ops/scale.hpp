// Blobs multiplied by a scale and shifted by a bias, one of each a channel, as stock Caffe's Scale and Bias define them.
//
//   forward:              dst[n][c][i]      = src[n][c][i] * scale[c] + bias[c]
//   backward:             diff_src[n][c][i] = diff_dst[n][c][i] * scale[c]
//   backward_parameters:  diff_scale[c]     = sum of diff_dst[n][c][i] * src[n][c][i] over all n, i
//                         diff_bias[c]      = sum of diff_dst[n][c][i] over all n, i
//
// src, dst, diff_src, diff_dst: float [outer][channels][inner], the rest [channels]. A null scale is 1, a null bias 0. dst may be src,
// and diff_src may be diff_dst. Every call enqueues and returns.
#ifndef BARISTA_OPS_SCALE_HPP_
#define BARISTA_OPS_SCALE_HPP_

#include "ops/channels.hpp"

namespace barista::ops {

// `kept`, where there is one, gets a copy of src: what backward_parameters needs where dst is src.
void scale_forward(device::Program& program, const ChannelShape& shape, const device::Buffer& src, const device::Buffer* scale,
                   const device::Buffer* bias, device::Buffer& dst, device::Buffer* kept = nullptr);
// Overwrites diff_src.
void scale_backward(device::Program& program, const ChannelShape& shape, const device::Buffer& diff_dst,
                    const device::Buffer* scale, device::Buffer& diff_src);
// Either gradient may be without a buffer; `src` may be null where that of the scale is.
void scale_backward_parameters(device::Program& program, const ChannelShape& shape, const device::Buffer* src,
                               const device::Buffer& diff_dst, const ChannelSum& diff_scale, const ChannelSum& diff_bias);

}  // namespace barista::ops

#endif  // BARISTA_OPS_SCALE_HPP_
