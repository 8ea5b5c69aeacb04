// Functions of single elements, as stock Caffe defines them: what the elementwise kernels compute of them, and which of Caffe's layer types
// they are.
//
//   forward:   dst[i]      = f(src[i])
//   backward:  diff_src[i] = diff_dst[i] * f'(src[i])
#ifndef BARISTA_PLAN_ELEMENTWISE_FUNCTIONS_HPP_
#define BARISTA_PLAN_ELEMENTWISE_FUNCTIONS_HPP_

#include <cmath>

#include "interface/elementwise_function.h"

namespace barista::plan {

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

// The table, a row a layer type of stock Caffe's: ROW(type, function). What a function takes is FIELD(message, field), a field of the
// layer's parameters, or MADE(member), what the stock layer makes of several; who uses the table says how to come by them.
#define BARISTA_ELEMENTWISE_FUNCTIONS(ROW, FIELD, MADE)                                              \
  ROW(AbsVal, absval())                                                                              \
  ROW(BNLL, bnll())                                                                                  \
  ROW(Clip, clip(FIELD(clip_param, min), FIELD(clip_param, max)))                                    \
  ROW(ELU, elu(FIELD(elu_param, alpha)))                                                             \
  ROW(Exp, exp(MADE(inner_scale_), MADE(outer_scale_)))                                              \
  ROW(Log, log(MADE(base_scale_), MADE(input_scale_), MADE(input_shift_)))                           \
  ROW(Power, power(FIELD(power_param, power), FIELD(power_param, scale), FIELD(power_param, shift))) \
  ROW(ReLU, relu(FIELD(relu_param, negative_slope)))                                                 \
  ROW(Sigmoid, sigmoid())                                                                            \
  ROW(Swish, swish(FIELD(swish_param, beta)))                                                        \
  ROW(TanH, tanh())                                                                                  \
  ROW(Threshold, threshold(FIELD(threshold_param, threshold)))

namespace functions {

inline ElementwisePass constant(float value) {
  ElementwisePass pass = {ELEMENTWISE_CONSTANT, Operand::kNone};
  pass.shift = value;
  return pass;
}

inline Elementwise relu(float negative_slope) {
  Elementwise relu = {{ELEMENTWISE_RELU, Operand::kSrc},
                      {ELEMENTWISE_RELU_GRADIENT, Operand::kSrc, Operand::kNone, Operand::kDiffDst}};
  relu.forward.slope = relu.backward.slope = negative_slope;
  relu.has_signs_of_src = negative_slope >= 0;
  return relu;
}

inline Elementwise sigmoid() {
  return {{ELEMENTWISE_SIGMOID, Operand::kSrc, Operand::kNone, Operand::kNone, -1},
          {ELEMENTWISE_SIGMOID_GRADIENT, Operand::kDst, Operand::kNone, Operand::kDiffDst}};
}

inline Elementwise tanh() {
  return {{ELEMENTWISE_TANH, Operand::kSrc, Operand::kNone, Operand::kNone, 2},
          {ELEMENTWISE_TANH_GRADIENT, Operand::kDst, Operand::kNone, Operand::kDiffDst}};
}

inline Elementwise elu(float alpha) {
  return {{ELEMENTWISE_ELU, Operand::kSrc, Operand::kNone, Operand::kNone, 1, 0, alpha},
          {ELEMENTWISE_ELU_GRADIENT, Operand::kSrc, Operand::kDst, Operand::kDiffDst, 1, alpha},
          true,
          alpha >= 0};
}

inline Elementwise absval() {
  return {{ELEMENTWISE_ABSOLUTE, Operand::kSrc}, {ELEMENTWISE_ABSOLUTE_GRADIENT, Operand::kSrc, Operand::kNone, Operand::kDiffDst}};
}

inline Elementwise bnll() {
  return {{ELEMENTWISE_BNLL, Operand::kSrc}, {ELEMENTWISE_BNLL_GRADIENT, Operand::kSrc, Operand::kNone, Operand::kDiffDst, -1}};
}

inline Elementwise clip(float min, float max) {
  return {{ELEMENTWISE_CLIP, Operand::kSrc, Operand::kNone, Operand::kNone, min, max},
          {ELEMENTWISE_CLIP_GRADIENT, Operand::kSrc, Operand::kNone, Operand::kDiffDst, min, max}};
}

// src / (1 + exp(-beta * src)); its gradient is stock Caffe's formula, of src and dst.
inline Elementwise swish(float beta) {
  return {{ELEMENTWISE_SWISH, Operand::kSrc, Operand::kNone, Operand::kNone, -beta},
          {ELEMENTWISE_SWISH_GRADIENT, Operand::kSrc, Operand::kDst, Operand::kDiffDst, -beta, 0, beta}};
}

// Not differentiable.
inline Elementwise threshold(float threshold) {
  return {{ELEMENTWISE_THRESHOLD, Operand::kSrc, Operand::kNone, Operand::kNone, 1, threshold}, constant(0), false};
}

inline int parity_of(float exponent) {
  if (exponent != std::floor(exponent)) return ELEMENTWISE_NO_INTEGER;
  return std::fmod(exponent, 2.0F) == 0 ? ELEMENTWISE_EVEN : ELEMENTWISE_ODD;
}

// a^exponent of a = shift + scale * src, and its derivative but for the two functions that need no logarithm.
inline Elementwise general_power(float exponent, float scale, float shift) {
  ElementwisePass forward = {ELEMENTWISE_POWER, Operand::kSrc, Operand::kNone, Operand::kNone, scale, shift, exponent};
  forward.parity = parity_of(exponent);
  // exponent * scale * dst / (shift + scale * src), the size of the constant in the divisor. Its sign is not, since that of a divisor
  // which is 0 decides on that of an infinite gradient.
  const float slope = exponent * scale, size = std::abs(slope);
  const int quotient = slope < 0 ? ELEMENTWISE_NEGATIVE_QUOTIENT : ELEMENTWISE_QUOTIENT;
  return {forward, {quotient, Operand::kSrc, Operand::kDst, Operand::kDiffDst, scale / size, shift / size}};
}

// (shift + scale * src) ^ power
inline Elementwise power(float power, float scale, float shift) {
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

// outer_scale * exp(inner_scale * src)
inline Elementwise exp(float inner_scale, float outer_scale) {
  return {{ELEMENTWISE_EXP, Operand::kSrc, Operand::kNone, Operand::kNone, inner_scale, 0, outer_scale},
          {ELEMENTWISE_AFFINE_PRODUCT, Operand::kDst, Operand::kNone, Operand::kDiffDst, inner_scale}};
}

// base_scale * log(shift + scale * src)
inline Elementwise log(float base_scale, float scale, float shift) {
  return {{ELEMENTWISE_LOG, Operand::kSrc, Operand::kNone, Operand::kNone, scale, shift, base_scale},
          {ELEMENTWISE_INVERSE, Operand::kSrc, Operand::kNone, Operand::kDiffDst, scale, shift, base_scale * scale}};
}

}  // namespace functions
}  // namespace barista::plan

#endif  // BARISTA_PLAN_ELEMENTWISE_FUNCTIONS_HPP_
