// Functions of single elements, forward and backward, as stock Caffe defines them.
//
//   forward:   dst[i]      = f(src[i])
//   backward:  diff_src[i] = diff_dst[i] * f'(src[i])
//
// `count` floats in each buffer. dst may be src, and diff_src may be diff_dst; where forward worked in place, backward may be handed
// dst for src, if has_signs_of_src. Every call enqueues and returns.
#ifndef BARISTA_OPS_ELEMENTWISE_HPP_
#define BARISTA_OPS_ELEMENTWISE_HPP_

#include "device/program.hpp"
#include "plan/elementwise.hpp"

namespace barista::ops {

using plan::Elementwise;
using plan::ElementwisePass;
using plan::Operand;
using namespace plan::functions;

// Rectifying in place is left to the pass of the PE array that makes src, where that is still to come (ops/post_ops.hpp).
void elementwise_forward(device::Program& program, const Elementwise& function, const device::Buffer& src, device::Buffer& dst,
                         int count);
// Overwrites diff_src. Of src, dst and diff_dst those that function.backward doesn't read may be without memory.
void elementwise_backward(device::Program& program, const Elementwise& function, const device::Buffer& src,
                          const device::Buffer& dst, const device::Buffer& diff_dst, device::Buffer& diff_src, int count);

// --- for operations that are made of these kernels ---

// The operands of one launch; null for one that is not read.
struct ElementwiseOperands {
  const device::Buffer* a = nullptr;
  const device::Buffer* b = nullptr;
  const device::Buffer* c = nullptr;
};

// out[i] = f(operands[i]) for i < count, split over the compute units. `f.reads` is set here.
void launch_elementwise(device::Program& program, elementwise_function f, const ElementwiseOperands& operands, device::Buffer& out,
                        int count);

// The same for `planes` planes of `elements`, plane p with the slope slopes[p % channels]. For functions up to
// ELEMENTWISE_LAST_ARITHMETIC.
void launch_elementwise(device::Program& program, elementwise_function f, const ElementwiseOperands& operands,
                        const device::Buffer& slopes, int channels, device::Buffer& out, int planes, int elements);

}  // namespace barista::ops

#endif  // BARISTA_OPS_ELEMENTWISE_HPP_
