// Half the mean squared distance of two blobs, and its gradient.
//
//   forward:   difference[i] = src[i] - target[i],  part = sum over i of difference[i]^2  (loss.cl divides it by 2 N)
//   backward:  diff_src[i]   = difference[i] * weight[0] / divisor
// src, target, difference, diff_src: STORAGE, `count` of each; weight: one STORAGE, the loss's gradient on the device; divisor: N, or -N
// for the gradient of target. As stock Caffe (src/caffe/layers/euclidean_loss_layer.cpp). Build-time parameters: LANES, COMPUTE_UNITS,
// STORAGE, ACCUMULATE.
//
// Initiation interval 1 of loops over vectors of LANES: a sum of each lane takes turns in a shift register of CLASS_PARTIALS, so an addition
// may take that many cycles; they are put together in a fixed order.
// Device cost a compute unit, estimated: LANES subtracters, LANES multiply-adds and 2 * LANES - 1 adders for the total forward, LANES
// multipliers and a divider backward, CLASS_PARTIALS x LANES words of registers, no on-chip memory. LANES words a cycle of each operand: as fast as external memory. What
// Intel's compiler makes of it has not been run.
// DSP blocks of euclidean_loss_forward_*: LANES * 2 + LANES + LANES - 1
// DSP blocks of euclidean_loss_backward_*: LANES + 5 + FUNCTION
#include "arithmetic.h"
#include "class_lanes.h"

#define UNIT_BODY "euclidean_loss_unit.h"
#include "each_unit.h"
