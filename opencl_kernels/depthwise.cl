// Convolution of each channel with a kernel of its own: forward, backward-data (a deconvolution's forward) and backward-weights.
//
//   depthwise_apply_*:    forward:       dst[n][c][p][q]      = bias[c] + sum over r, s of src[n][c][h][w] * weights[c][r][s]
//                         backward-data: diff_src[n][c][h][w] = bias[c] + sum over p, q of diff_dst[n][c][p][q] * weights[c][r][s]
//   depthwise_weights_*:  diff_weights[c][r][s] = (adds ? diff_weights[c][r][s] : 0)
//                                                 + sum over n, p, q of diff_dst[n][c][p][q] * src[n][c][h][w]
//   where h = p * SH - PH + r * DH and w = q * SW - PW + s * DW
//
// All buffers STORAGE: src, diff_src [images][channels][H][W], dst, diff_dst [images][channels][P][Q], weights
// [channels][KH][KW], bias [channels], which may be missing. What is stored may be scaled and rectified too, as by the multiply
// grid (multiply_store): the bias is its offset.
//
// Sixteen planes side by side, one a lane, so that all lanes read the same word: no shifters, whatever the taps. A plane is
// loaded by phases (depthwise_problem.h): rows and columns that are congruent modulo the least common multiple of stride and
// dilation lie together, with zeros around them for what is padding. Then any tap of any convolution, and of its transpose, is
// one of stride 1 without dilation between a phase of src and a phase of dst, whose rows lie on chip at the same pitch. So it
// is one long run: a *sweep* reads the words of the source one after the other through a shift register of DEPTHWISE_TAPS
// words, and adds as many taps to each word of the result. Between the rows of a phase lie as many words that are no results as
// windows reach over the border; they are added up too and stored nowhere. Backward-data differs in its list of sweeps alone:
// taps run down, and a phase of diff_src sees only the taps that reach it, so no zero that a stride would insert is multiplied.
//
// The loop over the words of the result is the innermost one; the host orders sweeps so that a sum is visited again after
// ACC_DISTANCE steps at the earliest, and adds idle steps to those that are too short. The gradient of a weight is
// DEPTHWISE_PARTIALS sums that take turns and are added up once a group of 16 channels, over all images in their order: a
// compute unit has channels of its own, so the same bits come out on every run.
//
// Build-time parameters: ACC_WORDS (words a lane of each on-chip memory), ACC_DISTANCE, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1 of the loops over sweeps: one read of each on-chip memory (of each of DEPTHWISE_TAPS copies of the
// weights, once a sweep) and one write of sums a step; addresses are counters; nothing is carried from step to step but the
// shift register and counters. A sum is read again no sooner than ACC_DISTANCE (of a weight's gradient DEPTHWISE_PARTIALS)
// steps after it was written, which is what ivdep's safelen says and more than a chain of DEPTHWISE_TAPS (of one) multiply-adds
// takes.
//
// Device cost a compute unit, estimated: depthwise_apply_* 2 memories of 16 lanes x ACC_WORDS words and DEPTHWISE_TAPS of a
// quarter of that, depthwise_weights_* 2 and DEPTHWISE_TAPS of half (on-chip memory blocks of 512 x 40 bits at 1,024 words: 112
// and 112), 16 * DEPTHWISE_TAPS multiply-adders and 16 or 32 adders each, 16 x 16 words of registers for turning. A unit loads
// and stores 16 words a cycle and does DEPTHWISE_TAPS taps of 16 results a cycle, one after the other. What Intel's compiler
// makes of it has not been run.
// DSP blocks of depthwise_apply_*: 16 * DEPTHWISE_TAPS + 16
// DSP blocks of depthwise_weights_*: 16 * DEPTHWISE_TAPS + 2 * 16
#include "common.h"
#include "depthwise_problem.h"
#include "multiply_descriptor.h"

#define depthwise_wide JOIN(convert_, JOIN(ACCUMULATE, 16))
#define depthwise_narrow JOIN(convert_, JOIN(STORAGE, 16))

// Words of a buffer that a vector may take: those to the buffer's end, so that a ragged vector is read whole wherever that is
// possible.
inline int depthwise_valid(size_t at, size_t end) { return at + VECTOR <= end ? VECTOR : (at < end ? (int)(end - at) : 0); }

inline void depthwise_clear(__local storage16* restrict x, int words) {
  for (int i = 0; i < words; i++) x[i] = 0;
}

// x = an area of 16 planes, of which the first begins at word `first` of a buffer with `end` words. Where the area is not, x
// stays as it was.
inline void depthwise_load(__global const storage* restrict from, size_t first, size_t end, int plane_words, int row_words,
                           const depthwise_area a, __local storage16* restrict x) {
  depthwise_place at = depthwise_first(a);
  size_t begin = first + a.offset;
  for (int run = 0; run < a.runs; run++) {
    for (int word = 0; word < a.run; word += VECTOR) {
      storage16 block[VECTOR];
      size_t position = begin + word;
#pragma unroll 1
      for (int lane = 0; lane < VECTOR; lane++) {
        block[lane] = load_vector(from + position, depthwise_valid(position, end));
        position += plane_words;
      }
      transpose16(block);
#pragma unroll 1
      for (int i = 0; i < min(VECTOR, a.run - word); i++) {
        if (depthwise_kept(at, a)) x[at.address] = block[i];
        at = depthwise_next(at, a);
      }
    }
    begin += row_words;
  }
}

// An area of `lanes` planes, of which the first begins at `to`, = sums * factor + term, rectified or not.
inline void depthwise_store(__local const accumulate16* restrict sums, accumulate16 factor, accumulate16 term, int rectifies,
                            __global storage* restrict to, int lanes, int plane_words, int row_words, const depthwise_area a) {
  depthwise_place at = depthwise_first(a);
  __global storage* restrict begin = to + a.offset;
  for (int run = 0; run < a.runs; run++) {
    for (int word = 0; word < a.run; word += VECTOR) {
      storage16 block[VECTOR];
#pragma unroll 1
      for (int i = 0; i < VECTOR; i++) {
        block[i] = 0;
        if (word + i < a.run) {
          block[i] = stored(sums[at.address], factor, term, rectifies);
          at = depthwise_next(at, a);
        }
      }
      transpose16(block);
      __global storage* restrict lane_begin = begin + word;
#pragma unroll 1
      for (int lane = 0; lane < lanes; lane++) {
        store_vector(block[lane], lane_begin, a.run - word);
        lane_begin += plane_words;
      }
    }
    begin += row_words;
  }
}

// The number of each lane's channel.
inline accumulate16 depthwise_numbers(__global const storage* restrict numbers, bool present, float otherwise, int plane,
                                      const depthwise_problem p) {
  storage values[VECTOR];
  int lane_channel = plane % p.channels;
#pragma unroll 1
  for (int lane = 0; lane < VECTOR; lane++) {
    values[lane] = otherwise;
    if (present) values[lane] = numbers[lane_channel];
    if (++lane_channel == p.channels) lane_channel = 0;
  }
  return depthwise_wide(vload16(0, values));
}

// 16 weights of each lane's channel, from `offset` of the kernel on.
inline void depthwise_load_weights(__global const storage* restrict weights, int plane, int offset, const depthwise_problem p,
                                   storage16 block[VECTOR]) {
  const int end = p.channels * p.kernel_plane;
  int lane_channel = plane % p.channels, position = lane_channel * p.kernel_plane + offset;
#pragma unroll 1
  for (int lane = 0; lane < VECTOR; lane++) {
    block[lane] = load_vector(weights + position, depthwise_valid(position, end));
    position += p.kernel_plane;
    if (++lane_channel == p.channels) {
      lane_channel = 0;
      position = offset;
    }
  }
  transpose16(block);
}

// Every tap of a part, added to the sums of its results.
inline void depthwise_sweeps(__local const storage16* restrict x, __local const storage16 weights[][ACC_WORDS / 4],
                             __local accumulate16* restrict sums, __global const depthwise_sweep* restrict sweeps, int begin,
                             int end) {
  accumulate16 passed[DEPTHWISE_TAPS];
#pragma unroll
  for (int i = 0; i < DEPTHWISE_TAPS; i++) passed[i] = 0;

#pragma ivdep array(sums) safelen(ACC_DISTANCE)
#pragma loop_coalesce 2
  for (int s = begin; s < end; s++) {
    const depthwise_sweep v = sweeps[s];
    accumulate16 weight[DEPTHWISE_TAPS];
#pragma unroll
    for (int k = 0; k < DEPTHWISE_TAPS; k++)
      weight[k] = k < v.taps ? depthwise_wide(weights[k][v.weight + k * v.weight_step]) : (accumulate16)0;
    for (int step = 0; step < v.steps; step++) {
#pragma unroll
      for (int i = DEPTHWISE_TAPS - 1; i > 0; i--) passed[i] = passed[i - 1];
      const int result = step - (DEPTHWISE_TAPS - 1);
      if (result < v.words) passed[0] = depthwise_wide(x[v.source + step]);
      if (result >= 0 && result < v.words) {
        accumulate16 sum = v.first ? (accumulate16)0 : sums[v.result + result];
        // Of taps that are not, neither the weight nor the word counts: 0 times infinity would be NaN.
#pragma unroll
        for (int k = 0; k < DEPTHWISE_TAPS; k++) sum += weight[k] * (k < v.taps ? passed[DEPTHWISE_TAPS - 1 - k] : (accumulate16)0);
        sums[v.result + result] = sum;
      }
    }
  }
}

// Every tap of a part, added to the gradients of its weights; sums of taps that are not are never read. `turn` is that of the
// partial sums.
inline int depthwise_gradients(__local const storage16* restrict x, __local const storage16* restrict diff,
                               __local accumulate16 partials[][ACC_WORDS / 2], __global const depthwise_sweep* restrict sweeps,
                               const depthwise_part t, int pitch, int turn) {
  accumulate16 passed[DEPTHWISE_TAPS];
#pragma unroll
  for (int i = 0; i < DEPTHWISE_TAPS; i++) passed[i] = 0;

#pragma ivdep array(partials) safelen(DEPTHWISE_PARTIALS)
#pragma loop_coalesce 2
  for (int s = t.sweep_begin; s < t.sweep_end; s++) {
    const depthwise_sweep v = sweeps[s];
    int column = 0;
    for (int step = 0; step < v.steps; step++) {
#pragma unroll
      for (int i = DEPTHWISE_TAPS - 1; i > 0; i--) passed[i] = passed[i - 1];
      passed[0] = depthwise_wide(x[v.source + step]);
      const int result = step - (DEPTHWISE_TAPS - 1);
      if (result >= 0) {
        if (column < v.columns) {
          const accumulate16 value = depthwise_wide(diff[v.result + result]);
#pragma unroll
          for (int k = 0; k < DEPTHWISE_TAPS; k++) partials[k][v.weight + turn] += value * passed[DEPTHWISE_TAPS - 1 - k];
        }
        if (++column == pitch) column = 0;
      }
      turn = (turn + 1) % DEPTHWISE_PARTIALS;
    }
  }
  return turn;
}

// Adds to totals the gradients of up to 16 taps, a word each: their partial sums one after the other. Returns the tap after them.
inline depthwise_tap depthwise_totals(__local accumulate16 partials[][ACC_WORDS / 2], const depthwise_part t, depthwise_tap first,
                                      int taps, accumulate16 totals[VECTOR]) {
  depthwise_tap at = first;
#pragma unroll 1
  for (int turn = 0; turn < DEPTHWISE_PARTIALS; turn++) {
    at = first;
#pragma unroll 1
    for (int i = 0; i < taps; i++) {
      const int word = (at.chunk + at.tap_class) * DEPTHWISE_PARTIALS + turn;
      accumulate16 partial = 0;
#pragma unroll
      for (int k = 0; k < DEPTHWISE_TAPS; k++)
        if (k == at.bank) partial = partials[k][word];
      totals[i] += partial;
      at = depthwise_next_tap(at, t);
    }
  }
  return at;
}

#define UNIT_BODY "depthwise_unit.h"
#include "each_unit.h"
