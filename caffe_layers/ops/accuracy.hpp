// Top-k accuracy along an axis of classes, over all positions and for each class, as stock Caffe defines it.
//
//   right[p]     = at most top_k classes, its own among them, have a value that is not below the label's
//   dst[0]       = right positions / positions, those with the ignored label left out; 0 where none is left
//   per_class[c] = the same over the positions with label c
//
// src float [outer][classes][inner]; labels float [outer][inner], cut to whole numbers; dst one float, per_class float [classes]. A label
// that is no class, and not the ignored one, makes dst NaN (stock Caffe reads memory of others there) and counts for no class. Every call enqueues and returns.
#ifndef BARISTA_OPS_ACCURACY_HPP_
#define BARISTA_OPS_ACCURACY_HPP_

#include "device/program.hpp"
#include "ops/class_axis.hpp"
#include "ops/loss.hpp"

namespace barista::ops {

class Accuracy {
 public:
  // Throws plan::Unsupported for an axis without elements.
  Accuracy(device::Program& program, const ClassAxis& axis, int top_k, IgnoredLabel ignored);

  // Overwrites dst and, where it is given, per_class.
  void forward(const device::Buffer& src, const device::Buffer& labels, device::Buffer& dst, device::Buffer* per_class = nullptr);

 private:
  device::Program& program_;
  ClassAxis axis_;
  int top_k_;
  IgnoredLabel ignored_;
  LossSum sum_;
  device::Buffer right_;  // for each position; one float where nobody asks for classes
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_ACCURACY_HPP_
