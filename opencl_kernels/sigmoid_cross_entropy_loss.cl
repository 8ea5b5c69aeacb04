// Cross entropy of sigmoids with targets, and its gradient.
//
//   forward:   sigmoid[i]  = 1 / (1 + exp(-src[i]))
//              part        = sum over i of log(1 + exp(-|src[i]|)) - src[i] * (target[i] - (src[i] >= 0 ? 1 : 0)), and its terms' number
//   backward:  diff_src[i] = (sigmoid[i] - target[i]) * weight[0] / divisor[0]
// src, target, sigmoid, diff_src: STORAGE, `count` of each; weight, divisor: one number each, on the device. Where target, cut to a whole
// number, is the ignored label, there is no term and no gradient. As stock Caffe
// (src/caffe/layers/sigmoid_cross_entropy_loss_layer.cpp); exp(-|src|) is the one exponential that loss and sigmoid share.
//
// Build-time parameters: COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Forward takes 4 values a cycle: a loss is made once a step of training, and 16 lanes of exp, log and division would take four times
// the logic for it. The loop over a vector's lanes, unrolled by 4, has initiation interval 1 (nothing is carried); a sum is carried from
// vector to vector only, which takes longer than an addition. Backward is a loop over vectors of 16 at interval 1.
// Device cost a compute unit, estimated: 4 exp, 4 logarithms, 4 dividers, 4 multiply-adds, 24 adders forward; 16 multipliers, 16 adders,
// 16 comparators and a divider backward; no on-chip memory. Forward reads and writes 4 words a cycle on average, backward 16 words a cycle.
// What Intel's compiler makes of it has not been run.
// DSP blocks of sigmoid_cross_entropy_loss_forward_*: 4 * (3 + 3 * FUNCTION) + 15 + 1
// DSP blocks of sigmoid_cross_entropy_loss_backward_*: 16 * 2 + 5 + FUNCTION
#include "arithmetic.h"
#include "class_lanes.h"

#define UNIT_BODY "sigmoid_cross_entropy_loss_unit.h"
#include "each_unit.h"
