// Cross entropy of sigmoids with targets, and its gradient.
//
//   forward:   sigmoid[i]  = 1 / (1 + exp(-src[i]))
//              part        = sum over i of log(1 + exp(-|src[i]|)) - src[i] * (target[i] - (src[i] >= 0 ? 1 : 0)), and its terms' number
//   backward:  diff_src[i] = (sigmoid[i] - target[i]) * weight[0] / divisor[0]
// src, target, sigmoid, diff_src: STORAGE, `count` of each; weight, divisor: one number each, on the device. Where target, cut to a whole
// number, is the ignored label, there is no term and no gradient. As stock Caffe
// (src/caffe/layers/sigmoid_cross_entropy_loss_layer.cpp); exp(-|src|) is the one exponential that loss and sigmoid share.
//
// Build-time parameters: LANES, FUNCTION_LANES, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Forward takes SIGMOID_LANES values a cycle, 4 at most: a loss is made once a step of training, and 16 lanes of exp, log and division
// would take four times the logic for it. The loop over a vector's lanes, unrolled by as many, has initiation interval 1 (nothing is carried); a sum is carried from
// vector to vector only, which takes longer than an addition. Backward is a loop over vectors of LANES at interval 1.
// Device cost a compute unit, estimated: SIGMOID_LANES x (1 exp, 1 logarithm, 1 divider, 3 multiply-adds or adders) and LANES adders forward;
// LANES multipliers, adders and comparators and a divider backward; no on-chip memory. Forward reads and writes SIGMOID_LANES words a cycle
// on average, backward LANES words a cycle.
// What Intel's compiler makes of it has not been run.
// DSP blocks of sigmoid_cross_entropy_loss_forward_*: min(4, FUNCTION_LANES) * (3 + 3 * FUNCTION) + LANES - 1 + 1
// DSP blocks of sigmoid_cross_entropy_loss_backward_*: LANES * 2 + 5 + FUNCTION
#include "arithmetic.h"
#include "class_lanes.h"

#define SIGMOID_LANES (FUNCTION_LANES < 4 ? FUNCTION_LANES : 4)

#define UNIT_BODY "sigmoid_cross_entropy_loss_unit.h"
#include "each_unit.h"
