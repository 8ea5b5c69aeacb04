#include "ops/elementwise.hpp"

#include <vector>

#include "ops/launches.hpp"
#include "ops/post_ops.hpp"

namespace barista::ops {
namespace {

using Argument = device::Argument;

elementwise_function described(const ElementwisePass& pass) {
  elementwise_function f = {};
  f.function = pass.function;
  f.scale = pass.scale;
  f.shift = pass.shift;
  f.factor = pass.factor;
  f.slope = pass.slope;
  f.parity = pass.parity;
  return f;
}

int reads(const ElementwiseOperands& operands) {
  return (operands.a != nullptr ? ELEMENTWISE_READS_A : 0) | (operands.b != nullptr ? ELEMENTWISE_READS_B : 0) |
         (operands.c != nullptr ? ELEMENTWISE_READS_C : 0);
}

// All but the range. A kernel wants a buffer for every operand; one that it doesn't read is `out`, so that nothing more is waited for.
std::vector<Argument> arguments(const elementwise_function& f, const ElementwiseOperands& operands, const device::Buffer* slopes,
                                device::Buffer& out) {
  std::vector<Argument> all;
  for (const device::Buffer* operand : {operands.a, operands.b, operands.c})
    all.push_back(Argument::in(operand != nullptr ? *operand : out));
  if (slopes != nullptr) all.push_back(Argument::in(*slopes));
  all.push_back(Argument::out(out));
  all.push_back(Argument::value(f));
  return all;
}

const device::Buffer* chosen(Operand operand, const device::Buffer& src, const device::Buffer& dst,
                             const device::Buffer& diff_dst) {
  switch (operand) {
    case Operand::kSrc:
      return &src;
    case Operand::kDst:
      return &dst;
    case Operand::kDiffDst:
      return &diff_dst;
    default:
      return nullptr;
  }
}

}  // namespace

void elementwise_forward(device::Program& program, const Elementwise& function, const device::Buffer& src, device::Buffer& dst,
                         int count) {
  const bool rectifies = function.forward.function == ELEMENTWISE_RELU && function.forward.slope == 0;
  if (rectifies && &src == &dst && fuse_rectify(program, dst)) return;
  ElementwiseOperands operands;
  if (function.forward.reads(Operand::kSrc)) operands.a = &src;
  launch_elementwise(program, described(function.forward), operands, dst, count);
}

void elementwise_backward(device::Program& program, const Elementwise& function, const device::Buffer& src,
                          const device::Buffer& dst, const device::Buffer& diff_dst, device::Buffer& diff_src, int count) {
  const ElementwisePass& pass = function.backward;
  launch_elementwise(program, described(pass),
                     {chosen(pass.a, src, dst, diff_dst), chosen(pass.b, src, dst, diff_dst), chosen(pass.c, src, dst, diff_dst)},
                     diff_src, count);
}

void launch_elementwise(device::Program& program, elementwise_function f, const ElementwiseOperands& operands, device::Buffer& out,
                        int count) {
  f.reads = reads(operands);
  const plan::ElementwisePlan plan = plan::plan_elementwise(program.recipe(), f.function, f.reads, count);
  launch(program, plan.transcendental ? "transcendental_" : "elementwise_",
         arguments(f, operands, plan.transcendental ? nullptr : &out, out), plan.units);
}

void launch_elementwise(device::Program& program, elementwise_function f, const ElementwiseOperands& operands,
                        const device::Buffer& slopes, int channels, device::Buffer& out, int planes, int elements) {
  f.reads = reads(operands) | ELEMENTWISE_READS_SLOPES;
  const plan::ElementwisePlan plan = plan::plan_elementwise(program.recipe(), f.function, f.reads, channels, planes, elements);
  launch(program, "elementwise_", arguments(f, operands, &slopes, out), plan.units);
}

}  // namespace barista::ops
