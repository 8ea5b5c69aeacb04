// Half the mean squared distance of two blobs, as stock Caffe defines it.
//
//   forward:   difference = src - target,  loss[0] = sum of difference^2 / (2 N)
//   backward:  diff_src = difference * weight[0] / N, diff_target = -diff_src
//
// `count` floats in src, target, difference and the gradients, of N examples; loss and weight one float each. Every call enqueues and
// returns.
#ifndef BARISTA_OPS_EUCLIDEAN_LOSS_HPP_
#define BARISTA_OPS_EUCLIDEAN_LOSS_HPP_

#include "device/program.hpp"
#include "ops/loss.hpp"
#include "plan/losses.hpp"

namespace barista::ops {

class EuclideanLoss {
 public:
  // Throws plan::Unsupported where `count` or `examples` is less than 1.
  EuclideanLoss(device::Program& program, int count, int examples);

  // Overwrites difference and loss.
  void forward(const device::Buffer& src, const device::Buffer& target, device::Buffer& difference, device::Buffer& loss);
  // Overwrites diff, the gradient of src (sign 1) or of target (sign -1).
  void backward(const device::Buffer& difference, const device::Buffer& weight, int sign, device::Buffer& diff);

 private:
  device::Program& program_;
  plan::LossPlan plan_;
  int count_, examples_;
  LossSum sum_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_EUCLIDEAN_LOSS_HPP_
