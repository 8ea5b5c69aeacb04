// The gradient of softmax with cross entropy.
//
//   diff_src[c][p] = (prob[c][p] - (c == label[p] ? 1 : 0)) * weight / divisor, 0 where label[p] is ignored, NaN where it is no class
// prob, diff_src STORAGE [outer][classes][inner], labels STORAGE [outer][inner]; weight, divisor: one number each, where the loss's
// gradient and what its forward pass divided by lie on the device. As stock Caffe (src/caffe/layers/softmax_loss_layer.cpp). The forward
// pass is softmax.cl's, and loss.cl's for the sum over the compute units.
//
// Build-time parameters: LANES, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1: one loop (coalesced) over vectors of LANES along a row of memory, nothing carried but counters. A row is a
// position's classes where inner is 1, else a class's positions.
// Device cost a compute unit, estimated: LANES adders, 2 * LANES comparators, LANES multipliers, one divider; no on-chip memory. LANES words a
// cycle, as fast as external memory. What Intel's compiler makes of it has not been run.
// DSP blocks of softmax_loss_backward_*: LANES * 2 + 5 + FUNCTION
#include "arithmetic.h"
#include "class_lanes.h"

#define UNIT_BODY "softmax_loss_unit.h"
#include "each_unit.h"
