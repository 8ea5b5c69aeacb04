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
// LANES planes side by side, one a lane, so that all lanes read the same word: no shifters, whatever the taps. A plane is
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
// DEPTHWISE_PARTIALS sums that take turns and are added up once a group of LANES channels, over all images in their order: a
// compute unit has channels of its own, so the same bits come out on every run.
//
// Build-time parameters: ACC_WORDS (words a lane of each on-chip memory), ACC_DISTANCE, LANES, COMPUTE_UNITS, STORAGE,
// ACCUMULATE.
//
// Initiation interval 1 of the loops over sweeps: one read of each on-chip memory (of each of DEPTHWISE_TAPS copies of the
// weights, once a sweep) and one write of sums a step; addresses are counters; nothing is carried from step to step but the
// shift register and counters. A sum is read again no sooner than ACC_DISTANCE (of a weight's gradient DEPTHWISE_PARTIALS)
// steps after it was written, which is what ivdep's safelen says and more than a chain of DEPTHWISE_TAPS (of one) multiply-adds
// takes.
//
// Device cost a compute unit, estimated: depthwise_apply_* 2 memories of LANES lanes x ACC_WORDS words and DEPTHWISE_TAPS of a
// quarter of that, depthwise_weights_* 2 and DEPTHWISE_TAPS of half (on-chip memory blocks of 512 x 40 bits of 16 lanes x 1,024
// words: 112 and 112), LANES * DEPTHWISE_TAPS MACs and LANES or 2 * LANES adders each, LANES x LANES words of registers
// for turning. A unit loads and stores LANES words a cycle and does DEPTHWISE_TAPS taps of LANES results a cycle, one after the other. What Intel's compiler
// makes of it has not been run.
// DSP blocks of depthwise_apply_*: LANES * DEPTHWISE_TAPS + LANES
// DSP blocks of depthwise_weights_*: LANES * DEPTHWISE_TAPS + 2 * LANES
#include "interface/depthwise_problem.h"
#include "interface/multiply_descriptor.h"
#include "lanes.h"

// Words of a buffer that a vector may take: those to the buffer's end, so that a ragged vector is read whole wherever that is
// possible.
inline int depthwise_valid(int at, int end) { return clamp(end - at, 0, LANES); }

inline void depthwise_clear(__local storage_lanes* restrict x, int words) {
  for (int i = 0; i < words; i++) {
    STEP;
    x[i] = 0;
  }
}

// x = an area of LANES planes, of which the first begins at word `first` of a buffer with `end` words. Where the area is not, x
// stays as it was.
inline void depthwise_load(__global const storage* restrict from, int first, int end, int plane_words, int row_words,
                           const depthwise_area a, __local storage_lanes* restrict x) {
  depthwise_place at = depthwise_first(a);
  int begin = first + a.offset;
  for (int run = 0; run < a.runs; run++) {
    for (int word = 0; word < a.run; word += LANES) {
      storage_lanes block[LANES];
      int position = begin + word;
#pragma unroll 1
      for (int lane = 0; lane < LANES; lane++) {
        STEP;
        block[lane] = load_lanes(from + position, depthwise_valid(position, end));
        position += plane_words;
      }
      turn_lanes(block);
#pragma unroll 1
      for (int i = 0; i < min(LANES, a.run - word); i++) {
        STEP;
        if (depthwise_kept(at, a)) x[at.address] = block[i];
        at = depthwise_next(at, a);
      }
    }
    begin += row_words;
  }
}

// An area of `lanes` planes, of which the first begins at `to`, = sums * factor + term, rectified or not.
inline void depthwise_store(__local const accumulate_lanes* restrict sums, accumulate_lanes factor, accumulate_lanes term,
                            int rectifies, __global storage* restrict to, int lanes, int plane_words, int row_words,
                            const depthwise_area a) {
  depthwise_place at = depthwise_first(a);
  __global storage* restrict begin = to + a.offset;
  for (int run = 0; run < a.runs; run++) {
    for (int word = 0; word < a.run; word += LANES) {
      storage_lanes block[LANES];
#pragma unroll 1
      for (int i = 0; i < LANES; i++) {
        STEP;
        block[i] = 0;
        if (word + i < a.run) {
          block[i] = stored_lanes(sums[at.address], factor, term, rectifies);
          at = depthwise_next(at, a);
        }
      }
      turn_lanes(block);
      __global storage* restrict lane_begin = begin + word;
#pragma unroll 1
      for (int lane = 0; lane < lanes; lane++) {
        STEP;
        store_lanes(block[lane], lane_begin, a.run - word);
        lane_begin += plane_words;
      }
    }
    begin += row_words;
  }
}

// The number of each lane's channel.
inline accumulate_lanes depthwise_numbers(__global const storage* restrict numbers, bool present, float otherwise,
                                          int first_channel, const depthwise_problem p) {
  storage values[LANES];
  int lane_channel = first_channel;
#pragma unroll 1
  for (int lane = 0; lane < LANES; lane++) {
    STEP;
    values[lane] = otherwise;
    if (present) values[lane] = load_element(numbers + lane_channel);
    if (++lane_channel == p.channels) lane_channel = 0;
  }
  return to_accumulate_lanes(vload_lanes(0, values));
}

// LANES weights of each lane's channel, from `offset` of the kernel on; those of lane 0's channel begin at `first`.
inline void depthwise_load_weights(__global const storage* restrict weights, int first_channel, int first, int offset,
                                   const depthwise_problem p, storage_lanes block[LANES]) {
  int lane_channel = first_channel, position = first + offset;
#pragma unroll 1
  for (int lane = 0; lane < LANES; lane++) {
    STEP;
    block[lane] = load_lanes(weights + position, depthwise_valid(position, p.weights_blob));
    position += p.kernel_plane;
    if (++lane_channel == p.channels) {
      lane_channel = 0;
      position = offset;
    }
  }
  turn_lanes(block);
}

// Every tap of a part, added to the sums of its results.
inline void depthwise_sweeps(__local const storage_lanes* restrict x, __local const storage_lanes weights[][ACC_WORDS / 4],
                             __local accumulate_lanes* restrict sums, __global const depthwise_sweep* restrict sweeps, int begin,
                             int end) {
  accumulate_lanes passed[DEPTHWISE_TAPS];
#pragma unroll
  for (int i = 0; i < DEPTHWISE_TAPS; i++) passed[i] = 0;

#pragma ivdep array(sums) safelen(ACC_DISTANCE)
#pragma loop_coalesce 2
  for (int s = begin; s < end; s++) {
    const depthwise_sweep v = sweeps[s];
    accumulate_lanes weight[DEPTHWISE_TAPS];
#pragma unroll
    for (int k = 0; k < DEPTHWISE_TAPS; k++)
      weight[k] = k < v.taps ? to_accumulate_lanes(weights[k][v.weight + k * v.weight_step]) : (accumulate_lanes)0;
    for (int step = 0; step < v.steps; step++) {
      STEP;
#pragma unroll
      for (int i = DEPTHWISE_TAPS - 1; i > 0; i--) passed[i] = passed[i - 1];
      const int result = step - (DEPTHWISE_TAPS - 1);
      if (result < v.words) passed[0] = to_accumulate_lanes(x[v.source + step]);
      if (result >= 0 && result < v.words) {
        accumulate_lanes sum = v.first ? (accumulate_lanes)0 : sums[v.result + result];
        // Of taps that are not, neither the weight nor the word counts: 0 times infinity would be NaN.
#pragma unroll
        for (int k = 0; k < DEPTHWISE_TAPS; k++)
          sum += weight[k] * (k < v.taps ? passed[DEPTHWISE_TAPS - 1 - k] : (accumulate_lanes)0);
        sums[v.result + result] = sum;
      }
    }
  }
}

// Every tap of a part, added to the gradients of its weights; sums of taps that are not are never read. `turn` is that of the
// partial sums.
inline int depthwise_gradients(__local const storage_lanes* restrict x, __local const storage_lanes* restrict diff,
                               __local accumulate_lanes partials[][ACC_WORDS / 2], __global const depthwise_sweep* restrict sweeps,
                               const depthwise_part t, int pitch, int turn) {
  accumulate_lanes passed[DEPTHWISE_TAPS];
#pragma unroll
  for (int i = 0; i < DEPTHWISE_TAPS; i++) passed[i] = 0;

#pragma ivdep array(partials) safelen(DEPTHWISE_PARTIALS)
#pragma loop_coalesce 2
  for (int s = t.sweep_begin; s < t.sweep_end; s++) {
    const depthwise_sweep v = sweeps[s];
    int column = 0;
    for (int step = 0; step < v.steps; step++) {
      STEP;
#pragma unroll
      for (int i = DEPTHWISE_TAPS - 1; i > 0; i--) passed[i] = passed[i - 1];
      passed[0] = to_accumulate_lanes(x[v.source + step]);
      const int result = step - (DEPTHWISE_TAPS - 1);
      if (result >= 0) {
        if (column < v.columns) {
          const accumulate_lanes value = to_accumulate_lanes(diff[v.result + result]);
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

// Adds to totals the gradients of up to LANES taps, a word each: their partial sums one after the other. Returns the tap after them.
inline depthwise_tap depthwise_totals(__local accumulate_lanes partials[][ACC_WORDS / 2], const depthwise_part t,
                                      depthwise_tap first, int taps, accumulate_lanes totals[LANES]) {
  depthwise_tap at = first;
#pragma unroll 1
  for (int turn = 0; turn < DEPTHWISE_PARTIALS; turn++) {
    at = first;
#pragma unroll 1
    for (int i = 0; i < taps; i++) {
      STEP;
      const int word = (at.chunk + at.tap_class) * DEPTHWISE_PARTIALS + turn;
      accumulate_lanes partial = 0;
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
