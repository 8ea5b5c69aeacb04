// Functions of single elements, forward and backward, as stock Caffe defines them.
//
//   forward:   dst[i]      = f(src[i])
//   backward:  diff_src[i] = diff_dst[i] * f'(src[i])
//
// `count` floats in each buffer. dst may be src, and diff_src may be diff_dst; where forward worked in place, backward may be handed
// dst for src, if has_signs_of_src. Every call enqueues and returns.
#ifndef BARISTA_OPS_ELEMENTWISE_HPP_
#define BARISTA_OPS_ELEMENTWISE_HPP_

#include "device/device_manager.hpp"
#include "interface/elementwise_function.h"

namespace barista::ops {

// What a pass reads as one of the kernels' operands (elementwise_function.h).
enum class Operand { kNone, kSrc, kDst, kDiffDst };

// One pass of a function: what the kernels compute, and of what.
struct ElementwisePass {
  int function;
  Operand a, b = Operand::kNone, c = Operand::kNone;
  float scale = 1, shift = 0, factor = 1, slope = 0;
  int parity = ELEMENTWISE_NO_INTEGER;

  bool reads(Operand operand) const { return a == operand || b == operand || c == operand; }
};

struct Elementwise {
  ElementwisePass forward, backward;
  bool differentiable = true;
  bool has_signs_of_src = false;  // dst is above 0 where src is, and that is all that backward asks of src
};

// The functions, with the parameters of Caffe's messages.
Elementwise relu(float negative_slope);
Elementwise sigmoid();
Elementwise tanh();
Elementwise elu(float alpha);
Elementwise absval();
Elementwise bnll();
Elementwise threshold(float threshold);                       // not differentiable
Elementwise power(float power, float scale, float shift);     // (shift + scale * src) ^ power
Elementwise exp(float inner_scale, float outer_scale);        // outer_scale * exp(inner_scale * src)
Elementwise log(float base_scale, float scale, float shift);  // base_scale * log(shift + scale * src)

// Rectifying in place is left to the pass of the multiply grid that makes src, where that is still to come (ops/in_store.hpp).
void elementwise_forward(device::DeviceManager& manager, const Elementwise& function, const device::Buffer& src,
                         device::Buffer& dst, int count);
// Overwrites diff_src. Of src, dst and diff_dst those that function.backward doesn't read may be without memory.
void elementwise_backward(device::DeviceManager& manager, const Elementwise& function, const device::Buffer& src,
                          const device::Buffer& dst, const device::Buffer& diff_dst, device::Buffer& diff_src, int count);

// --- for operations that are made of these kernels ---

// The operands of one launch; null for one that is not read.
struct ElementwiseOperands {
  const device::Buffer* a = nullptr;
  const device::Buffer* b = nullptr;
  const device::Buffer* c = nullptr;
};

// out[i] = f(operands[i]) for i < count, split over the compute units. `f.reads` is set here.
void launch_elementwise(device::DeviceManager& manager, elementwise_function f, const ElementwiseOperands& operands,
                        device::Buffer& out, int count);

// The same for `planes` planes of `elements`, plane p with the slope slopes[p % channels]. For functions up to
// ELEMENTWISE_LAST_ARITHMETIC.
void launch_elementwise(device::DeviceManager& manager, elementwise_function f, const ElementwiseOperands& operands,
                        const device::Buffer& slopes, int channels, device::Buffer& out, int planes, int elements);

}  // namespace barista::ops

#endif  // BARISTA_OPS_ELEMENTWISE_HPP_
