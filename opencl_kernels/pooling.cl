// Max, average and stochastic pooling, forward and backward.
//
//   forward:   dst[p][q]      = maximum: the greatest of src[h][w] over the window of (p, q), and winners[p][q] = h * W + w of the first
//                               average: their mean
//                               stochastic: the first at which their running sum reaches r[p][q] * their sum, and winners its h * W + w
//                               expected: their sum of squares over their sum, 0 where that is not above 0
//   backward:  diff_src[h][w] = sum of diff_dst[p][q] over the windows (p, q) that hold (h, w): those that it won, or, for an average,
//                               all of them, divided by their size
// for each plane (a channel of an image): src, diff_src [planes][H][W], dst, diff_dst, winners [planes][P][Q], all STORAGE. A winner is
// an index kept as a number, as in stock Caffe's second top: exact up to 2^24 in single precision, -1 where no value of a window is
// greater than -FLT_MAX, or no running sum gets so far. r, random numbers above 0 and up to 1, are handed over in winners. Window,
// clipping, and what a NaN does are stock Caffe's (src/caffe/layers/pooling_layer.cpp, of stochastic pooling pooling_layer.cu, where
// what is drawn is undefined if no sum gets so far; here it is 0, or NaN if the sum is). Backward is a gather over diff_src as in its
// pooling_layer.cu, so nothing is scattered. Stochastic pooling: Zeiler and Fergus, ICLR 2013.
//
// Sixteen planes side by side, one a lane: all lanes read the same address of their banks, so that strides and odd maps cost neither
// shifters nor crossbars. Loaders and storers turn 16 x 16 blocks, since memory holds a plane's words side by side. The loop over a
// window is the outermost one, the results of a tile are inside: each is visited again after ACC_DISTANCE steps at the earliest
// (the host adds idle steps to tiles that are smaller), and sees its window in stock Caffe's order. A stochastic pooling goes over its
// windows twice: for their sums, and to choose.
//
// Build-time parameters: ACC_WORDS (words a lane of each on-chip memory), ACC_DISTANCE, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1 of the loops over results: one read and one write of sums and winners a step and one read of what was
// loaded, which all methods share, used or not; rows and columns are running sums, an address is an addition behind them; a sum is
// read again no sooner than ACC_DISTANCE steps after it was written, which is what ivdep's safelen says and more than an addition
// takes. An average's divisor is shared by the 16 lanes: one reciprocal a step.
//
// Device cost a compute unit, estimated: 3 memories of 16 lanes x ACC_WORDS words a pass (at 1,024 words 3 * 32 blocks of 512 x 40
// bits forward, as many backward), forward 48 comparators, 32 adders, 32 multiply-adds, 48 multipliers and 2 dividers, backward 16
// comparators, adders and multiply-adds and a divider, 2 x 16 x 16 words of registers for turning. A unit loads and stores 16 words a cycle
// and does one tap of 16 results a cycle, one after the other; of an expected one it divides one result a cycle. What Intel's compiler makes
// of it has not been run.
// DSP blocks of pooling_forward_*: 16 * 7 + 2 + 2 + 5 + 2 * FUNCTION
// DSP blocks of pooling_backward_*: 16 * 2 + 2 + FUNCTION
#include "arithmetic.h"
#include "common.h"
#include "pooling_tile.h"

#define to_accumulate16 JOIN(convert_, JOIN(ACCUMULATE, 16))
#define to_storage16 JOIN(convert_, JOIN(STORAGE, 16))

// Rows (or columns) of a window that lie in the padded image: what an average is divided by.
inline int pooling_extent(int begin, int window, int size, int pad) { return min(begin + window, size + pad) - begin; }

// Words of a run that `lane` has: all of its planes', fewer or none behind the last plane.
inline int pooling_lane_words(int lane, int planes_left, const pooling_problem p, int run) {
  return clamp(planes_left - lane * p.planes_per_lane, 0, p.planes_per_lane) * run;
}

// 16 words of the run of every lane, from `word` on; zeros in lanes without a plane. One vector is loaded at a time: a single access
// unit.
inline void pooling_load_block(__global const storage* restrict from, size_t lane_stride, int planes_left, const pooling_problem p,
                               int run, int word, storage16 block[VECTOR]) {
#pragma unroll 1
  for (int lane = 0; lane < VECTOR; lane++)
    block[lane] = load_vector(from + lane * lane_stride + word, pooling_lane_words(lane, planes_left, p, run) - word);
  transpose16(block);
}

// x[i] = word i of the run of every lane.
inline void pooling_load(__global const storage* restrict from, size_t lane_stride, int planes_left, const pooling_problem p,
                         int run, __local storage16* restrict x) {
  const int words = p.planes_per_lane * run;
  for (int word = 0; word < words; word += VECTOR) {
    storage16 block[VECTOR];
    pooling_load_block(from, lane_stride, planes_left, p, run, word, block);
#pragma unroll 1
    for (int i = 0; i < min(VECTOR, words - word); i++) x[word + i] = block[i];
  }
}

// The same into a memory of sums.
inline void pooling_load_sums(__global const storage* restrict from, size_t lane_stride, int planes_left, const pooling_problem p,
                              int run, __local accumulate16* restrict sums) {
  const int words = p.planes_per_lane * run;
  for (int word = 0; word < words; word += VECTOR) {
    storage16 block[VECTOR];
    pooling_load_block(from, lane_stride, planes_left, p, run, word, block);
#pragma unroll 1
    for (int i = 0; i < min(VECTOR, words - word); i++) sums[word + i] = to_accumulate16(block[i]);
  }
}

inline void pooling_store(__local const accumulate16* restrict x, __global storage* restrict to, size_t lane_stride,
                          int planes_left, const pooling_problem p, int run) {
  const int words = p.planes_per_lane * run;
  for (int word = 0; word < words; word += VECTOR) {
    storage16 block[VECTOR];
#pragma unroll 1
    for (int i = 0; i < VECTOR; i++) block[i] = word + i < words ? to_storage16(x[word + i]) : (storage16)0;
    transpose16(block);
#pragma unroll 1
    for (int lane = 0; lane < VECTOR; lane++)
      store_vector(block[lane], to + lane * lane_stride + word, pooling_lane_words(lane, planes_left, p, run) - word);
  }
}

// What two words a result hold while an element of its window is being chosen: `sum` the running sum, and `limit` what it must reach;
// afterwards `sum` the element, and `limit` its index, so far below 0 that sum >= limit: that it was not so before is what tells.
#define POOLING_CHOSEN 0x1p103f  // times an index of at most 2^24, a number still

inline accumulate16 pooling_chosen(int index) { return -POOLING_CHOSEN * (accumulate)(index + 1); }

inline void pooling_choose(accumulate16 value, int index, accumulate16* sum, accumulate16* limit) {
  const int16 open = !(*sum >= *limit);
  const accumulate16 next = *sum + value;
  const int16 hit = open & (next >= *limit);
  *sum = hit ? value : (open ? next : *sum);
  *limit = hit ? pooling_chosen(index) : *limit;
}

// The same for the first element: `sum` comes with the window's sum, `limit` with the random number.
inline void pooling_choose_first(accumulate16 value, bool inside, int index, accumulate16* sum, accumulate16* limit) {
  *limit = inside ? *limit * *sum : (accumulate16)NAN;
  const int16 hit = value >= *limit;
  *sum = value;
  *limit = hit ? pooling_chosen(index) : *limit;
}

// In the end: the element, and its index.
inline void pooling_decide(accumulate16* sum, accumulate16* limit) {
  const int16 chosen = *sum >= *limit;
  *sum = chosen ? *sum : 0 * *sum;
  *limit = chosen ? *limit * (-1 / POOLING_CHOSEN) - 1 : (accumulate16)-1;
}

// sums = squares / sums, one lane at a time: there is one divider.
inline void pooling_expect(__local accumulate16* restrict sums, __local const accumulate16* restrict squares, int results) {
  for (int i = 0; i < results; i++) {
    accumulate sum[VECTOR], square[VECTOR];
    vstore16(sums[i], 0, sum);
    vstore16(squares[i], 0, square);
#pragma unroll 1
    for (int lane = 0; lane < VECTOR; lane++) sum[lane] = sum[lane] > 0 ? nearest_quotient(square[lane], sum[lane]) : 0;
    sums[i] = vload16(0, sum);
  }
}

// Every result of the tile takes in every tap of its window. `sums` are indexed as the results are stored; so are `others`: winners,
// while they are being chosen limits, or sums of squares.
inline void pooling_forward_tile(__local const storage16* restrict x, __local accumulate16* restrict sums,
                                 __local accumulate16* restrict others, const pooling_problem p, const pooling_tile t) {
  const bool maximum = p.method == POOLING_MAXIMUM;
  const accumulate sum_start = maximum ? -FLT_MAX : 0, other_start = maximum ? -1 : 0;
  const int x_plane = t.source_runs * t.source_run;
  int tap_row_address = t.address - t.column, tap_row_index = t.row * p.width;
#pragma ivdep array(sums) safelen(ACC_DISTANCE)
#pragma ivdep array(others) safelen(ACC_DISTANCE)
#pragma loop_coalesce 5
  for (int tap_row = t.tap_begin; tap_row < t.tap_end; tap_row++) {
    const bool last_row = t.last && tap_row == t.tap_end - 1;
    for (int tap = 0; tap < p.taps_w; tap++) {
      const bool first_tap = t.first && tap_row == t.tap_begin && tap == 0;
      const bool last_tap = last_row && tap == p.taps_w - 1;
      const bool start = first_tap && !t.choose;
      int plane_address = tap_row_address, row_result = 0;
      for (int plane = 0; plane < p.planes_per_lane; plane++) {
        int row_address = plane_address, row_index = tap_row_index;
        int row = t.row + tap_row - t.tap_begin;
        for (int r = 0; r < t.rows; r++) {
          // Where the row is outside, so is its column: one comparison a step.
          int column = t.column + tap, inside_column = row >= 0 && row < p.height ? column : INT_MIN;
          for (int c = 0; c < t.steps; c++) {
            if (c < t.columns) {
              const int result = row_result + c, index = row_index + column;
              const bool inside = (uint)inside_column < (uint)p.width;
              const accumulate16 value = inside ? to_accumulate16(x[row_address + column]) : (accumulate16)sum_start;
              const accumulate16 sum = start ? (accumulate16)sum_start : sums[result];
              const accumulate16 other = start ? (accumulate16)other_start : others[result];
              const int16 greater = value > sum;
              accumulate16 next_sum = greater ? value : sum, next_other = greater ? (accumulate16)index : other;
              if (!maximum) {
                if (t.choose) {
                  next_sum = sum;
                  next_other = other;
                  if (first_tap) {
                    pooling_choose_first(value, inside, index, &next_sum, &next_other);
                  } else {
                    pooling_choose(value, index, &next_sum, &next_other);
                  }
                  if (last_tap) pooling_decide(&next_sum, &next_other);
                } else {
                  next_sum = sum + value;
                  next_other = other + value * value;
                  if (p.method == POOLING_AVERAGE && last_tap)
                    next_sum *= nearest_reciprocal(pooling_extent(row - tap_row, p.kernel_h, p.height, p.pad_h) *
                                                   pooling_extent(column - tap, p.kernel_w, p.width, p.pad_w));
                }
              }
              sums[result] = next_sum;
              others[result] = next_other;
            }
            column += p.stride_w;
            inside_column += p.stride_w;
          }
          row += p.stride_h;
          row_address += p.stride_h * t.pitch;
          row_index += p.stride_h * p.width;
          row_result += t.columns;
        }
        plane_address += x_plane;
      }
    }
    tap_row_address += t.pitch;
    tap_row_index += p.width;
  }
}

// Every result of the tile takes in the outputs whose windows hold it: tap j of a row is the j-th output before the last one whose
// window begins at or before that row. Taps run down, so outputs are added in ascending order, as stock Caffe adds them.
inline void pooling_backward_tile(__local const storage16* restrict x, __local const storage16* restrict winners,
                                  __local accumulate16* restrict sums, const pooling_problem p, const pooling_tile t) {
  const bool average = p.method == POOLING_AVERAGE;
  const int x_plane = t.source_runs * t.source_run;
#pragma ivdep array(sums) safelen(ACC_DISTANCE)
#pragma loop_coalesce 5
  for (int tap_row = t.tap_end - 1; tap_row >= t.tap_begin; tap_row--) {
    for (int tap = p.taps_w - 1; tap >= 0; tap--) {
      const bool first_tap = t.first && tap_row == t.tap_end - 1 && tap == p.taps_w - 1;
      int plane_address = t.address - t.column - tap_row * t.pitch, row_result = 0;
      for (int plane = 0; plane < p.planes_per_lane; plane++) {
        int row_address = plane_address, row_index = t.result_offset;
        int out_row = t.row - tap_row, phase_row = t.phase_row;
        for (int r = 0; r < t.rows; r++) {
          const bool row_inside = out_row >= 0 && out_row < p.out_height && phase_row + tap_row * p.stride_h < p.kernel_h;
          // A column is in a window of this tap while more than `spare` columns are left before the next output's window.
          const int spare = row_inside ? (tap + 1) * p.stride_w - p.kernel_w : p.stride_w, seen = first_tap ? 0 : spare;
          const int window_row = out_row * p.stride_h - p.pad_h;
          int out_column = t.column - tap, left = p.stride_w - t.phase_column;
          for (int c = 0; c < t.steps; c++) {
            if (left > seen && c < t.columns) {
              const bool inside = left > spare && (uint)out_column < (uint)p.out_width;
              const int result = row_result + c, address = row_address + out_column;
              accumulate16 after = sums[result];
              if (first_tap) after = 0;  // whatever lay there
              if (inside) {
                const accumulate16 value = to_accumulate16(x[address]);
                if (average) {
                  const int window_column = out_column * p.stride_w - p.pad_w;
                  after += value * nearest_reciprocal(pooling_extent(window_row, p.kernel_h, p.height, p.pad_h) *
                                                      pooling_extent(window_column, p.kernel_w, p.width, p.pad_w));
                } else {
                  after += winners[address] == (storage16)(row_index + c) ? value : (accumulate16)0;
                }
              }
              sums[result] = after;
            }
            if (--left == 0) {
              left = p.stride_w;
              out_column++;
            }
          }
          row_index += p.width;
          row_result += t.columns;
          if (++phase_row == p.stride_h) {
            phase_row = 0;
            out_row++;
            row_address += t.pitch;
          }
        }
        plane_address += x_plane;
      }
    }
  }
}

#define UNIT_BODY "pooling_unit.h"
#include "each_unit.h"
