#include "ops/prelu.hpp"

#include "ops/channels.hpp"
#include "ops/elementwise.hpp"

namespace barista::ops {
namespace {

void launch(device::Program& program, int function, const PReLUShape& s, const ElementwiseOperands& operands,
            const device::Buffer& slopes, device::Buffer& out) {
  elementwise_function f = {};
  f.function = function;
  launch_elementwise(program, f, operands, slopes, s.shared ? 1 : s.channels, out, s.images * s.channels, s.elements);
}

}  // namespace

void prelu_forward(device::Program& program, const PReLUShape& shape, const device::Buffer& src, const device::Buffer& slopes,
                   device::Buffer& dst) {
  launch(program, ELEMENTWISE_RELU, shape, {&src}, slopes, dst);
}

void prelu_backward(device::Program& program, const PReLUShape& shape, const device::Buffer& src, const device::Buffer& slopes,
                    const device::Buffer& diff_dst, device::Buffer& diff_src) {
  launch(program, ELEMENTWISE_RELU_GRADIENT, shape, {&src, nullptr, &diff_dst}, slopes, diff_src);
}

void prelu_backward_slopes(device::Program& program, const PReLUShape& shape, const device::Buffer& src,
                           const device::Buffer& diff_dst, device::Buffer& diff_slopes) {
  ChannelTerms terms = {&diff_dst, &src};
  terms.negative_a = true;
  channel_sums(program, plan::slopes_shape(shape), terms, {&diff_slopes, true}, {});
}

}  // namespace barista::ops
