// Adding up the gradients of weights and biases.
#ifndef BARISTA_OPS_PARAMETER_GRADIENTS_HPP_
#define BARISTA_OPS_PARAMETER_GRADIENTS_HPP_

#include <cstddef>

#include "device/program.hpp"
#include "interface/weights_layout.h"
#include "plan/multiply_plan.hpp"

namespace barista::ops {

// diff_bias[o] += sum over n, s of diff_dst[n][o][s].
struct BiasGradient {
  const device::Buffer& diff_dst;
  device::Buffer& diff_bias;
  int images, outputs, plane;
};

// The bias's gradient alone.
void bias_gradient(device::Program& program, const BiasGradient& bias);

// Packed gradients of weights, as the array leaves them.
class PackedGradient {
 public:
  PackedGradient(device::Program& program, const plan::PassPlan& pass);
  device::Buffer& packed() { return packed_; }
  // Adds all partial gradients to those in Caffe's layout, or, where not `adds`, writes their sum there; and adds the bias's, where
  // it isn't null.
  void add_to(device::Buffer& diff_weights, bool adds, const BiasGradient* bias);

 private:
  device::Program& program_;
  weights_layout layout_;
  device::Buffer packed_, taps_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_PARAMETER_GRADIENTS_HPP_
