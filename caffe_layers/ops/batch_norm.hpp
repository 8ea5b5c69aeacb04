// Normalisation of each channel to mean 0 and variance 1, as stock Caffe's BatchNorm defines it.
//
//   forward:          normalised[n][c][i] = (src[n][c][i] - mean[c]) / sqrt(variance[c] + eps), mean and variance over all n, i
//   backward:         diff_src = (diff_dst - mean of diff_dst - normalised * mean of diff_dst * normalised) / sqrt(variance[c] + eps)
//   forward_global:   the same with the moving statistics' mean and variance, which are constants to backward_global:
//   backward_global:  diff_src = diff_dst / sqrt(variance[c] + eps)
//
// src, dst, normalised, diff_src, diff_dst: float [outer][channels][inner]. The variance is that of the differences from the mean, summed
// in a second pass. dst may be src, and diff_src may be diff_dst. Every call enqueues and returns; statistics stay on the device.
#ifndef BARISTA_OPS_BATCH_NORM_HPP_
#define BARISTA_OPS_BATCH_NORM_HPP_

#include "ops/channels.hpp"
#include "ops/post_ops.hpp"

namespace barista::ops {

// Averages over batches. A batch's mean and variance (the unbiased one, over values - 1) are added to `fraction` times what there is, and
// 1 to `fraction` times the factor, by which they are divided when they are used: floats [channels], [channels] and [1].
struct MovingStatistics {
  device::Buffer& mean;
  device::Buffer& variance;
  device::Buffer& factor;
};

class BatchNorm {
 public:
  // Throws plan::Unsupported where `shape` has no values.
  BatchNorm(device::Program& program, const ChannelShape& shape, float eps);

  // Overwrites dst and normalised, two buffers with the same values: backward needs one that nobody works on in place.
  void forward(const device::Buffer& src, const MovingStatistics& moving, float fraction, device::Buffer& dst,
               device::Buffer& normalised);
  // In place, it is left to the store of the PE array where that can be (ops/post_ops.hpp).
  void forward_global(const device::Buffer& src, const MovingStatistics& moving, device::Buffer& dst);
  // Of the last forward pass. Overwrites diff_src.
  void backward(const device::Buffer& normalised, const device::Buffer& diff_dst, device::Buffer& diff_src);
  void backward_global(const device::Buffer& diff_dst, device::Buffer& diff_src);

 private:
  // mean_ and scale_, from the batch's statistics or from the moving ones.
  void statistics(const MovingStatistics& moving, bool takes_moving, float fraction);
  float values() const;  // of a channel

  device::Program& program_;
  ChannelShape shape_;
  float eps_;
  device::Buffer mean_, variance_, scale_;         // of the last forward pass; scale is 1 / sqrt(variance + eps)
  device::Buffer mean_of_diff_, mean_of_product_;  // of the last backward pass
  AffinePostOp post_op_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_BATCH_NORM_HPP_
