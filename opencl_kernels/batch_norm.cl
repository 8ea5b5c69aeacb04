// BatchNorm's statistics of each channel: what normalises, and the averages that move from batch to batch.
//
//   of the batch:   moving_mean[c]       = mean[c] + fraction * moving_mean[c]
//                   moving_variance[c]   = correction * variance[c] + fraction * moving_variance[c]
//                   factor[0]            = fraction * factor[0] + 1
//   of all so far:  mean[c], variance[c] = moving_mean[c] / factor[0], moving_variance[c] / factor[0], or 0 where factor[0] is 0
//   both:           scale[c]             = 1 / sqrt(variance[c] + eps)
//
// All [channels] but the factor, one value; STORAGE. As stock Caffe (src/caffe/layers/batch_norm_layer.cpp), the factor to the bit. Mean and
// variance of the batch, and all that touches every element, are the work of channels.cl. Build-time parameters: STORAGE, ACCUMULATE.
//
// Initiation interval 1: nothing is carried from one channel to the next.
// Device cost, estimated: 4 loads and 4 stores of a word, so up to 8 words a cycle, 6 multipliers, 8 adders or multiply-adds, a square
// root and two dividers, no on-chip memory; once, not a compute unit, since it takes one cycle a channel. What Intel's compiler makes of
// it has not been run.
// DSP blocks of batch_norm_statistics: 6 + 8 + 3 * FUNCTION
#include "arithmetic.h"
#include "interface/batch_norm_rule.h"

SINGLE_WORK_ITEM
__kernel void batch_norm_statistics(__global storage* restrict mean, __global const storage* restrict variance,
                                    __global storage* restrict moving_mean, __global storage* restrict moving_variance,
                                    __global storage* restrict factor, __global storage* restrict scale,
                                    const batch_norm_rule rule) {
#pragma OPENCL FP_CONTRACT OFF  // stock Caffe's factor is rounded twice a batch
  const accumulate weight = load_element(factor);
  const accumulate of_weight = weight == 0 ? 0 : nearest_reciprocal(weight);
  for (int c = 0; c < rule.channels; c++) {
    STEP;
    accumulate spread;
    if (rule.takes_moving) {
      store_element(load_element(moving_mean + c) * of_weight, mean + c);
      spread = load_element(moving_variance + c) * of_weight;
    } else {
      spread = load_element(variance + c);
      store_element(load_element(mean + c) + rule.fraction * load_element(moving_mean + c), moving_mean + c);
      store_element(rule.correction * spread + rule.fraction * load_element(moving_variance + c), moving_variance + c);
    }
    store_element(nearest_reciprocal(sqrt(spread + rule.eps)), scale + c);
  }
  if (!rule.takes_moving) store_element(weight * rule.fraction + 1, factor);
}
