// Softmax along an axis of classes, forward and backward, as stock Caffe defines it.
//
//   forward:   dst[o][c][i]      = exp(src[o][c][i] - m) / sum over k of exp(src[o][k][i] - m),  m = max over k of src[o][k][i]
//   backward:  diff_src[o][c][i] = (diff_dst[o][c][i] - sum over k of diff_dst[o][k][i] * dst[o][k][i]) * dst[o][c][i]
//
// All buffers float [outer][classes][inner]; dst may be src, and diff_src may be diff_dst. Every call enqueues and returns.
#ifndef BARISTA_OPS_SOFTMAX_HPP_
#define BARISTA_OPS_SOFTMAX_HPP_

#include "device/program.hpp"
#include "ops/class_axis.hpp"
#include "ops/loss.hpp"

namespace barista::ops {

class Softmax {
 public:
  // Throws plan::Unsupported for an axis without elements.
  Softmax(device::Program& program, const ClassAxis& axis);

  // Overwrites dst.
  void forward(const device::Buffer& src, device::Buffer& dst);
  // Overwrites diff_src.
  void backward(const device::Buffer& dst, const device::Buffer& diff_dst, device::Buffer& diff_src);

 private:
  device::Program& program_;
  ClassAxis axis_;
  plan::GroupsPass forward_, backward_;
  device::Buffer no_parts_;  // what the kernels are handed where no loss is wanted
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_SOFTMAX_HPP_
