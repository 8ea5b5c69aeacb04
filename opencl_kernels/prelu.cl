// The gradient of PReLU's slopes. PReLU itself is ReLU with a slope a channel, on the kernels of elementwise.cl.
//
//   diff_slopes[c] += sum of diff_dst[n][c][i] * src[n][c][i] over all n, i with src[n][c][i] <= 0
//
// src, diff_dst [images][channels][elements], diff_slopes [channels], all STORAGE; a slope that all channels share is that of one
// channel. As stock Caffe (src/caffe/layers/prelu_layer.cpp), but for the order of the sum, which is the same on every run.
// Build-time parameters: COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1 of the loop over vectors: a sum is taken up again PRELU_SUMS steps later, more than an addition takes, out of
// a shift register. Between channels the pipeline empties, and PRELU_SUMS + 16 sums are added one after the other.
//
// Device cost a compute unit, estimated: 2 loads of 512 bits, 1 load and 1 store of a word, 16 multiply-adds and adders, PRELU_SUMS x
// 16 words of registers. A plane's last vector may be ragged: 16 words a cycle for large planes, one for planes of one element.
// What Intel's compiler makes of it has not been run.
#include "common.h"

#define PRELU_SUMS 8

inline accumulate16 prelu_slope_terms(storage16 src, storage16 diff_dst) {
  const accumulate16 x = JOIN(convert_, JOIN(ACCUMULATE, 16))(src), diff = JOIN(convert_, JOIN(ACCUMULATE, 16))(diff_dst);
  return x <= (accumulate16)0 ? diff * x : (accumulate16)0;
}

inline accumulate prelu_total(accumulate16 sums[PRELU_SUMS]) {
  accumulate16 lanes = 0;
#pragma unroll 1
  for (int i = 0; i < PRELU_SUMS; i++) lanes += sums[i];
  accumulate lane[VECTOR], total = 0;
  vstore16(lanes, 0, lane);
#pragma unroll 1
  for (int i = 0; i < VECTOR; i++) total += lane[i];
  return total;
}

#define UNIT_BODY "prelu_unit.h"
#include "each_unit.h"
