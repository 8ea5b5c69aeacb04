#include "ops/elementwise.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "ops/post_ops.hpp"
#include "ops/units.hpp"
#include "plan/ranges.hpp"

namespace barista::ops {
namespace {

using plan::ceil_div;

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

// One launch a unit, on its part of `range`.
device::Launch on_unit(const std::string& kernel, std::size_t unit, std::vector<Argument> arguments,
                       const elementwise_range& range) {
  device::Launch launch = {kernel + std::to_string(unit), static_cast<int>(unit), std::move(arguments)};
  launch.arguments.push_back(Argument::value(range));
  return launch;
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

int parity_of(float exponent) {
  if (exponent != std::floor(exponent)) return ELEMENTWISE_NO_INTEGER;
  return std::fmod(exponent, 2.0F) == 0 ? ELEMENTWISE_EVEN : ELEMENTWISE_ODD;
}

ElementwisePass constant(float value) {
  ElementwisePass pass = {ELEMENTWISE_CONSTANT, Operand::kNone};
  pass.shift = value;
  return pass;
}

// a^exponent of a = shift + scale * src, and its derivative but for the two functions that need no logarithm.
Elementwise general_power(float exponent, float scale, float shift) {
  ElementwisePass forward = {ELEMENTWISE_POWER, Operand::kSrc, Operand::kNone, Operand::kNone, scale, shift, exponent};
  forward.parity = parity_of(exponent);
  // exponent * scale * dst / (shift + scale * src), the size of the constant in the divisor. Its sign is not, since that of a divisor
  // which is 0 decides on that of an infinite gradient.
  const float slope = exponent * scale, size = std::abs(slope);
  const int quotient = slope < 0 ? ELEMENTWISE_NEGATIVE_QUOTIENT : ELEMENTWISE_QUOTIENT;
  return {forward, {quotient, Operand::kSrc, Operand::kDst, Operand::kDiffDst, scale / size, shift / size}};
}

}  // namespace

Elementwise relu(float negative_slope) {
  Elementwise relu = {{ELEMENTWISE_RELU, Operand::kSrc},
                      {ELEMENTWISE_RELU_GRADIENT, Operand::kSrc, Operand::kNone, Operand::kDiffDst}};
  relu.forward.slope = relu.backward.slope = negative_slope;
  relu.has_signs_of_src = negative_slope >= 0;
  return relu;
}

Elementwise sigmoid() {
  return {{ELEMENTWISE_SIGMOID, Operand::kSrc, Operand::kNone, Operand::kNone, -1},
          {ELEMENTWISE_SIGMOID_GRADIENT, Operand::kDst, Operand::kNone, Operand::kDiffDst}};
}

Elementwise tanh() {
  return {{ELEMENTWISE_TANH, Operand::kSrc, Operand::kNone, Operand::kNone, 2},
          {ELEMENTWISE_TANH_GRADIENT, Operand::kDst, Operand::kNone, Operand::kDiffDst}};
}

Elementwise elu(float alpha) {
  return {{ELEMENTWISE_ELU, Operand::kSrc, Operand::kNone, Operand::kNone, 1, 0, alpha},
          {ELEMENTWISE_ELU_GRADIENT, Operand::kSrc, Operand::kDst, Operand::kDiffDst, 1, alpha},
          true,
          alpha >= 0};
}

Elementwise absval() {
  return {{ELEMENTWISE_ABSOLUTE, Operand::kSrc}, {ELEMENTWISE_ABSOLUTE_GRADIENT, Operand::kSrc, Operand::kNone, Operand::kDiffDst}};
}

Elementwise bnll() {
  return {{ELEMENTWISE_BNLL, Operand::kSrc}, {ELEMENTWISE_BNLL_GRADIENT, Operand::kSrc, Operand::kNone, Operand::kDiffDst, -1}};
}

Elementwise threshold(float threshold) {
  return {{ELEMENTWISE_THRESHOLD, Operand::kSrc, Operand::kNone, Operand::kNone, 1, threshold}, constant(0), false};
}

Elementwise power(float power, float scale, float shift) {
  const Operand none = Operand::kNone, diff = Operand::kDiffDst;
  const float slope = power * scale;
  if (slope == 0) return {constant(power == 0 ? 1 : std::pow(shift, power)), constant(0)};
  if (power == 1)
    return {{ELEMENTWISE_AFFINE, Operand::kSrc, none, none, scale, shift}, {ELEMENTWISE_AFFINE, diff, none, none, slope}};
  if (power == 2) {
    return {{ELEMENTWISE_SQUARE, Operand::kSrc, none, none, scale, shift},
            {ELEMENTWISE_AFFINE_PRODUCT, Operand::kSrc, none, diff, slope * scale, slope * shift}};
  }
  return general_power(power, scale, shift);
}

Elementwise exp(float inner_scale, float outer_scale) {
  return {{ELEMENTWISE_EXP, Operand::kSrc, Operand::kNone, Operand::kNone, inner_scale, 0, outer_scale},
          {ELEMENTWISE_AFFINE_PRODUCT, Operand::kDst, Operand::kNone, Operand::kDiffDst, inner_scale}};
}

Elementwise log(float base_scale, float scale, float shift) {
  return {{ELEMENTWISE_LOG, Operand::kSrc, Operand::kNone, Operand::kNone, scale, shift, base_scale},
          {ELEMENTWISE_INVERSE, Operand::kSrc, Operand::kNone, Operand::kDiffDst, scale, shift, base_scale * scale}};
}

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

// Units take whole vectors, but for the last of all.
void launch_elementwise(device::Program& program, elementwise_function f, const ElementwiseOperands& operands, device::Buffer& out,
                        int count) {
  if (count <= 0) return;
  f.reads = reads(operands);
  const bool arithmetic = f.function <= ELEMENTWISE_LAST_ARITHMETIC;
  const int lanes = program.recipe().lanes;
  const std::vector<UnitRange> parts = share_out(ceil_div(count, lanes), program.recipe().compute_units);
  std::vector<device::Launch> all;
  for (std::size_t unit = 0; unit < parts.size(); unit++) {
    const int begin = parts[unit].begin * lanes, end = unit + 1 < parts.size() ? parts[unit].end * lanes : count;
    all.push_back(on_unit(arithmetic ? "elementwise_" : "transcendental_", unit,
                          arguments(f, operands, arithmetic ? &out : nullptr, out), {0, 1, count, begin, end, 1, 0}));
  }
  program.launch(all);
}

void launch_elementwise(device::Program& program, elementwise_function f, const ElementwiseOperands& operands,
                        const device::Buffer& slopes, int channels, device::Buffer& out, int planes, int elements) {
  if (planes <= 0 || elements <= 0) return;
  f.reads = reads(operands) | ELEMENTWISE_READS_SLOPES;
  const std::vector<UnitRange> parts = share_out(planes, program.recipe().compute_units);
  std::vector<device::Launch> all;
  for (std::size_t unit = 0; unit < parts.size(); unit++)
    all.push_back(on_unit("elementwise_", unit, arguments(f, operands, &slopes, out),
                          {parts[unit].begin, parts[unit].end, elements, 0, elements, channels, parts[unit].begin * elements}));
  program.launch(all);
}

}  // namespace barista::ops
