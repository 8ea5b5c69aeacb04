// A solver's step: moves a parameter by its gradient. The six methods of stock Caffe; solver_rule.h has their formulas.
//
//   solver_update_*:  weights, diff_weights, first, second (the histories) [elements], all STORAGE, all read and written: diff_weights
//                     is left holding what was taken off the weights, as stock Caffe leaves it.
//   squared_norm:     norm[0] = (begins ? 0 : norm[0]) + sum of diff_weights[i]^2, one float
//
// Gradients are clipped together: where largest_norm >= 0, `norm` holds the sum of squares over all parameters' gradients, and scale
// becomes scale * min(1, largest_norm / sqrt(norm[0])), so the host need not wait for the norm.
// Build-time parameters: LANES, FUNCTION_LANES, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// One datapath for all methods, since only one is in use at a time: two multiply-adds for the gradient, one or two for each history,
// two square roots and one divider a lane, and a multiplexer before each.
//
// Initiation interval 1: nothing is carried from one step of solver_update's loop to the next. ivdep says so, in the place of
// `restrict`, which the history that a method does not have would make untrue: it is given another's buffer and not touched. The sum
// of squared_norm is taken up again SOLVER_SUMS steps later, more than an addition takes, out of a shift register.
//
// Device cost a compute unit, estimated: 4 loads and 4 stores of FUNCTION_LANES words; a lane of these 18 multiply-adds, adders or
// multipliers, 2 square roots, 1 divider; no on-chip memory. FUNCTION_LANES words a cycle of each operand, of which SGD has 5: with 8 lanes
// 32 GB/s at 200 MHz. squared_norm, once a device: 1 load of LANES words a cycle, LANES multiply-adds, 2 * LANES adders for the total, 8 x
// LANES words of registers. What Intel's compiler makes of it has not been run.
// DSP blocks of solver_update_*: FUNCTION_LANES * (18 + 3 * FUNCTION) + 4 + 2 * FUNCTION
// DSP blocks of squared_norm: LANES * 2 + LANES - 1 + 1
#include "arithmetic.h"
#include "interface/class_axis.h"
#include "interface/solver_rule.h"
#include "lanes.h"

#define SOLVER_SUMS 8

inline bool solver_has_second(int method) { return method == SOLVER_ADADELTA || method == SOLVER_ADAM; }

// What all gradients are multiplied with.
inline accumulate solver_scale(const solver_rule rule, __global const float* norm) {
  if (rule.largest_norm < 0) return rule.scale;
  const float length = sqrt(norm[0]);
  return length > rule.largest_norm ? rule.scale * (rule.largest_norm / length) : rule.scale;
}

// What a factor is multiplied with: 0 where the factor is. Stock Caffe leaves out a decay of 0, and its BLAS a vector that a scalar of 0
// is multiplied with, were there a NaN in it.
inline function_numbers solver_operand(accumulate factor, function_numbers number) {
  return factor == 0 ? (function_numbers)0 : number;
}

// The new histories in *h and *k; returns what is taken off the weights.
inline function_numbers solver_step(const solver_rule rule, function_numbers g, function_numbers* h, function_numbers* k) {
  const function_numbers before = *h, square = g * g;
  const accumulate keep = rule.method == SOLVER_ADAGRAD ? (accumulate)1 : rule.keep;
  accumulate gain = 1 - rule.keep;
  if (rule.method == SOLVER_SGD || rule.method == SOLVER_NESTEROV) gain = rule.rate;
  if (rule.method == SOLVER_ADAGRAD) gain = 1;
  const bool first_moment = rule.method == SOLVER_SGD || rule.method == SOLVER_NESTEROV || rule.method == SOLVER_ADAM;
  *h = keep * solver_operand(keep, before) + gain * solver_operand(gain, first_moment ? g : square);
  if (rule.method == SOLVER_SGD) return *h;
  if (rule.method == SOLVER_NESTEROV) return (1 + rule.keep) * *h - rule.keep * solver_operand(keep, before);
  if (rule.method == SOLVER_ADAM) *k = rule.keep_squares * solver_operand(rule.keep_squares, *k) + (1 - rule.keep_squares) * square;

  const bool adadelta = rule.method == SOLVER_ADADELTA;
  const function_numbers delta = rule.delta, none = 0;
  const function_numbers root = sqrt((rule.method == SOLVER_ADAM ? *k : *h) + (adadelta ? delta : none));
  function_numbers above = rule.method == SOLVER_ADAM ? *h : g;
  if (adadelta) above *= sqrt(*k + delta);
  const function_numbers quotient = above / (root + (adadelta ? none : delta));
  if (adadelta) *k = rule.keep * solver_operand(rule.keep, *k) + (1 - rule.keep) * quotient * quotient;
  return rule.rate * solver_operand(rule.rate, quotient);
}

SINGLE_WORK_ITEM
__kernel void squared_norm(__global const storage* restrict diff_weights, __global float* restrict norm, const int elements,
                           const int begins) {
  accumulate_lanes sums[SOLVER_SUMS];
#pragma unroll
  for (int i = 0; i < SOLVER_SUMS; i++) sums[i] = 0;
  for (int i = 0; i < elements; i += LANES) {
    STEP;
    const accumulate_lanes d = to_accumulate_lanes(load_lanes(diff_weights + i, elements - i));
    const accumulate_lanes sum = sums[SOLVER_SUMS - 1] + d * d;
#pragma unroll
    for (int j = SOLVER_SUMS - 1; j > 0; j--) sums[j] = sums[j - 1];
    sums[0] = sum;
  }
  accumulate_lanes lanes = 0;
#pragma unroll 1
  for (int i = 0; i < SOLVER_SUMS; i++) {
    STEP;
    lanes += sums[i];
  }
  norm[0] = (begins ? 0.0f : norm[0]) + sum_of_lanes(lanes);
}

#define UNIT_BODY "solver_update_unit.h"
#include "each_unit.h"
