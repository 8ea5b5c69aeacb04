// Softmax along an axis of classes, forward and backward, and the terms of its cross entropy with labels.
//
//   forward:   dst[c][p]      = exp(src[c][p] - m[p]) / sum over k of exp(src[k][p] - m[p]),  m[p] = max over k of src[k][p]
//              part           = sum over p of -log(max(dst[label[p]][p], FLT_MIN)) and the number of its terms, where labels are given
//   backward:  diff_src[c][p] = (diff_dst[c][p] - sum over k of diff_dst[k][p] * dst[k][p]) * dst[c][p]
// for each position p: src, dst, diff_dst, diff_src STORAGE [outer][classes][inner], labels STORAGE [outer][inner] (class_axis.h).
// As stock Caffe (src/caffe/layers/softmax_layer.cpp, softmax_loss_layer.cpp); a label that is no class adds -log(FLT_MIN). dst may be
// src, and diff_src may be diff_dst, so these are not `restrict`; no loop both loads and stores, so nothing waits for that.
//
// LANES positions at once (class_lanes.h). A group's classes are loaded once and swept three times: maximum, sum, result; more than
// ACC_WORDS classes are loaded anew for each sweep, ACC_WORDS at a time. The three sweeps are one loop, so that there is one exp a lane.
// A label is found by comparing it with each class as it passes: nothing is gathered.
//
// Build-time parameters: ACC_WORDS (words a lane of each on-chip memory), LANES, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1 of the sweeps: one read and one write of x a step, at addresses that only grow (ivdep); what is carried from
// step to step goes through a shift register of CLASS_PARTIALS results, so a maximum or an addition may take that many cycles.
// Reciprocals and logarithms are taken lane after lane: one unit of each, LANES steps a group.
//
// Device cost a compute unit, estimated: forward one memory and backward two of LANES lanes x ACC_WORDS words (16 of 1,024 words are 32
// blocks of 512 x 40 bits), forward an exp, 3 adders, 2 comparators and a multiplier a lane, LANES adders for a loss, one logarithm and one
// divider, backward a multiplier, a multiply-add and 2 adders a lane; 2 * CLASS_PARTIALS x LANES words of registers, and 2 x LANES x LANES a
// turning. A group of C classes takes about 5 C cycles forward and 5 C backward; loads and stores move LANES words a cycle. What Intel's
// compiler makes of it has not been run.
// DSP blocks of softmax_forward_*: LANES * (4 + FUNCTION) + LANES - 1 + 1 + 2 + 2 * FUNCTION
// DSP blocks of softmax_backward_*: LANES * 4
#include "arithmetic.h"
#include "class_lanes.h"

enum { SOFTMAX_MAXIMUM, SOFTMAX_SUM, SOFTMAX_RESULT, SOFTMAX_SWEEPS };

inline accumulate_lanes softmax_reciprocals(accumulate_lanes sums) {
  accumulate single[LANES];
  vstore_lanes(sums, 0, single);
#pragma unroll 1
  for (int lane = 0; lane < LANES; lane++) {
    STEP;
    single[lane] = nearest_reciprocal(single[lane]);
  }
  return vload_lanes(0, single);
}

// -log of the lanes' probabilities, 0 where the label does not count. NaN stays NaN, as in stock Caffe: fmax() would drop it.
inline accumulate_lanes softmax_losses(accumulate_lanes probability, int_lanes counted) {
  accumulate single[LANES];
  const accumulate_lanes least = FLT_MIN;
  vstore_lanes(probability < least ? least : probability, 0, single);
#pragma unroll 1
  for (int lane = 0; lane < LANES; lane++) {
    STEP;
    single[lane] = -log(single[lane]);
  }
  return counted ? vload_lanes(0, single) : (accumulate_lanes)0;
}

#define UNIT_BODY "softmax_unit.h"
#include "each_unit.h"
