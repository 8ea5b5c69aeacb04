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
// LANES planes side by side, one a lane: all lanes read the same address of their banks, so that strides and odd maps cost neither
// shifters nor crossbars. Loaders and storers turn LANES x LANES blocks, since memory holds a plane's words side by side. The loop over a
// window is the outermost one, the results of a tile are inside: each is visited again after ACC_DISTANCE steps at the earliest
// (the host adds idle steps to tiles that are smaller), and sees its window in stock Caffe's order. A stochastic pooling goes over its
// windows twice: for their sums, and to choose.
//
// Build-time parameters: ACC_WORDS (words a lane of each on-chip memory), ACC_DISTANCE, LANES, COMPUTE_UNITS, STORAGE,
// ACCUMULATE.
//
// Initiation interval 1 of the loops over results: one read and one write of sums and winners a step and one read of what was
// loaded, which all methods share, used or not; rows and columns are running sums, an address is an addition behind them; a sum is
// read again no sooner than ACC_DISTANCE steps after it was written, which is what ivdep's safelen says and more than an addition
// takes. An average's divisor is shared by all lanes: one reciprocal a step.
//
// Device cost a compute unit, estimated: 3 memories of LANES lanes x ACC_WORDS words a pass (16 of 1,024 words are 32 blocks of 512 x 40
// bits), forward 3 comparators, 1 adder, 2 multiply-adds and 3 multipliers a lane and 2 dividers, backward a comparator, an adder and a
// multiply-add a lane and a divider, 2 x LANES x LANES words of registers for turning. A unit loads and stores LANES words a cycle and does
// one tap of LANES results a cycle, one after the other; of an expected one it divides one result a cycle. What Intel's compiler makes of it
// has not been run.
// DSP blocks of pooling_forward_*: LANES * 6 + 2 + 2 + 5 + 2 * FUNCTION
// DSP blocks of pooling_backward_*: LANES * 2 + 2 + FUNCTION
#include "arithmetic.h"
#include "interface/pooling_tile.h"
#include "lanes.h"

// Rows (or columns) of a window that lie in the padded image: what an average is divided by.
inline int pooling_extent(int begin, int window, int size, int pad) { return min(begin + window, size + pad) - begin; }

// A run of every lane: words in memory from a lane's to the next, words of a lane's planes, and of those of the last lane that has any.
typedef struct {
  int lane_stride, words, last_words;
} pooling_run;

// Words of a lane with `planes` planes left for it and all lanes after it.
inline int pooling_lane_words(const pooling_problem p, const pooling_run r, int planes) {
  return planes >= p.planes_per_lane ? r.words : (planes > 0 ? r.last_words : 0);
}

// LANES words of the run of every lane, from `word` on; zeros in lanes without a plane. One vector is loaded at a time: a single access
// unit.
inline void pooling_load_block(__global const storage* restrict from, const pooling_problem p, const pooling_run r, int planes_left,
                               int word, storage_lanes block[LANES]) {
  int planes = planes_left, at = word;
#pragma unroll 1
  for (int lane = 0; lane < LANES; lane++) {
    STEP;
    block[lane] = load_lanes(from + at, pooling_lane_words(p, r, planes) - word);
    planes -= p.planes_per_lane;
    at += r.lane_stride;
  }
  turn_lanes(block);
}

// x[i] = word i of the run of every lane.
inline void pooling_load(__global const storage* restrict from, const pooling_problem p, const pooling_run r, int planes_left,
                         __local storage_lanes* restrict x) {
  for (int word = 0; word < r.words; word += LANES) {
    storage_lanes block[LANES];
    pooling_load_block(from, p, r, planes_left, word, block);
#pragma unroll 1
    for (int i = 0; i < min(LANES, r.words - word); i++) {
      STEP;
      x[word + i] = block[i];
    }
  }
}

// The same into a memory of sums.
inline void pooling_load_sums(__global const storage* restrict from, const pooling_problem p, const pooling_run r, int planes_left,
                              __local accumulate_lanes* restrict sums) {
  for (int word = 0; word < r.words; word += LANES) {
    storage_lanes block[LANES];
    pooling_load_block(from, p, r, planes_left, word, block);
#pragma unroll 1
    for (int i = 0; i < min(LANES, r.words - word); i++) {
      STEP;
      sums[word + i] = to_accumulate_lanes(block[i]);
    }
  }
}

inline void pooling_store(__local const accumulate_lanes* restrict x, __global storage* restrict to, const pooling_problem p,
                          const pooling_run r, int planes_left) {
  for (int word = 0; word < r.words; word += LANES) {
    storage_lanes block[LANES];
#pragma unroll 1
    for (int i = 0; i < LANES; i++) {
      STEP;
      block[i] = word + i < r.words ? to_storage_lanes(x[word + i]) : (storage_lanes)0;
    }
    turn_lanes(block);
    int planes = planes_left, at = word;
#pragma unroll 1
    for (int lane = 0; lane < LANES; lane++) {
      STEP;
      store_lanes(block[lane], to + at, pooling_lane_words(p, r, planes) - word);
      planes -= p.planes_per_lane;
      at += r.lane_stride;
    }
  }
}

// What two words a result hold while an element of its window is being chosen: `sum` the running sum, and `limit` what it must reach;
// afterwards `sum` the element, and `limit` its index, so far below 0 that sum >= limit: that it was not so before is what tells.
#define POOLING_CHOSEN 0x1p103f  // times an index of at most 2^24, a number still

inline accumulate_lanes pooling_chosen(int index) { return -POOLING_CHOSEN * (accumulate)(index + 1); }

// `next` is the sum with the value.
inline void pooling_choose(accumulate_lanes value, accumulate_lanes next, int index, accumulate_lanes* sum,
                           accumulate_lanes* limit) {
  const int_lanes open = !(*sum >= *limit);
  const int_lanes hit = open & (next >= *limit);
  *sum = hit ? value : (open ? next : *sum);
  *limit = hit ? pooling_chosen(index) : *limit;
}

// The same for the first element: `sum` comes with the window's sum, `limit` with the random number.
inline void pooling_choose_first(accumulate_lanes value, bool inside, int index, accumulate_lanes* sum, accumulate_lanes* limit) {
  *limit = inside ? *limit * *sum : (accumulate_lanes)NAN;
  const int_lanes hit = value >= *limit;
  *sum = value;
  *limit = hit ? pooling_chosen(index) : *limit;
}

// In the end: the element, and its index. An element of -infinity is below any index, but not even one of the others can alter it by then, and
// a limit is a number beside it only as an index.
inline void pooling_decide(accumulate_lanes* sum, accumulate_lanes* limit) {
  const int_lanes chosen = (*sum >= *limit) | ((*sum == (accumulate_lanes)-INFINITY) & isfinite(*limit));
  *sum = chosen ? *sum : 0 * *sum;
  *limit = chosen ? *limit * (-1 / POOLING_CHOSEN) - 1 : (accumulate_lanes)-1;
}

// sums = squares / sums, one lane at a time: there is one divider.
inline void pooling_expect(__local accumulate_lanes* restrict sums, __local const accumulate_lanes* restrict squares, int results) {
  for (int i = 0; i < results; i++) {
    accumulate sum[LANES], square[LANES];
    vstore_lanes(sums[i], 0, sum);
    vstore_lanes(squares[i], 0, square);
#pragma unroll 1
    for (int lane = 0; lane < LANES; lane++) {
      STEP;
      sum[lane] = sum[lane] > 0 ? nearest_quotient(square[lane], sum[lane]) : 0;
    }
    sums[i] = vload_lanes(0, sum);
  }
}

// Every result of the tile takes in every tap of its window. `sums` are indexed as the results are stored; so are `others`: winners,
// while they are being chosen limits, or sums of squares.
inline void pooling_forward_tile(__local const storage_lanes* restrict x, __local accumulate_lanes* restrict sums,
                                 __local accumulate_lanes* restrict others, const pooling_problem p, const pooling_tile t) {
  const bool maximum = p.method == POOLING_MAXIMUM;
  const accumulate sum_start = maximum ? -FLT_MAX : 0, other_start = maximum ? -1 : 0;
  const int row_addresses = p.stride_h * t.pitch, row_indices = p.stride_h * p.width;
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
            STEP;
            if (c < t.columns) {
              const int result = row_result + c, index = row_index + column;
              const bool inside = (uint)inside_column < (uint)p.width;
              const accumulate_lanes value = inside ? to_accumulate_lanes(x[row_address + column]) : (accumulate_lanes)sum_start;
              const accumulate_lanes sum = start ? (accumulate_lanes)sum_start : sums[result];
              const accumulate_lanes other = start ? (accumulate_lanes)other_start : others[result];
              const int_lanes greater = value > sum;
              accumulate_lanes next_sum = greater ? value : sum, next_other = greater ? (accumulate_lanes)index : other;
              if (!maximum) {
                const accumulate_lanes with_value = sum + value;
                if (t.choose) {
                  next_sum = sum;
                  next_other = other;
                  if (first_tap) {
                    pooling_choose_first(value, inside, index, &next_sum, &next_other);
                  } else {
                    pooling_choose(value, with_value, index, &next_sum, &next_other);
                  }
                  if (last_tap) pooling_decide(&next_sum, &next_other);
                } else {
                  next_sum = with_value;
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
          row_address += row_addresses;
          row_index += row_indices;
          row_result += t.columns;
        }
        plane_address += t.source_plane;
      }
    }
    tap_row_address += t.pitch;
    tap_row_index += p.width;
  }
}

// Every result of the tile takes in the outputs whose windows hold it: tap j of a row is the j-th output before the last one whose
// window begins at or before that row. Taps run down, so outputs are added in ascending order, as stock Caffe adds them.
inline void pooling_backward_tile(__local const storage_lanes* restrict x, __local const storage_lanes* restrict winners,
                                  __local accumulate_lanes* restrict sums, const pooling_problem p, const pooling_tile t) {
  const bool average = p.method == POOLING_AVERAGE;
  // Rows and columns from the first tap to this one, in positions of what is stored.
  const int last_column = p.taps_w * p.stride_w - p.stride_w;
  int tap_rows = (t.tap_end - 1) * p.stride_h, tap_row_address = t.address - t.column - (t.tap_end - 1) * t.pitch;
  const int first_window_row = t.row * p.stride_h - p.pad_h, first_window_column = t.column * p.stride_w - p.pad_w;
#pragma ivdep array(sums) safelen(ACC_DISTANCE)
#pragma loop_coalesce 5
  for (int tap_row = t.tap_end - 1; tap_row >= t.tap_begin; tap_row--) {
    int tap_columns = last_column;
    for (int tap = p.taps_w - 1; tap >= 0; tap--) {
      const bool first_tap = t.first && tap_row == t.tap_end - 1 && tap == p.taps_w - 1;
      int plane_address = tap_row_address, row_result = 0;
      for (int plane = 0; plane < p.planes_per_lane; plane++) {
        int row_address = plane_address, row_index = t.result_offset;
        int out_row = t.row - tap_row, phase_row = t.phase_row, window_row = first_window_row - tap_rows;
        for (int r = 0; r < t.rows; r++) {
          const bool row_inside = out_row >= 0 && out_row < p.out_height && phase_row + tap_rows < p.kernel_h;
          // A column is in a window of this tap while more than `spare` columns are left before the next output's window.
          const int spare = row_inside ? tap_columns + p.stride_w - p.kernel_w : p.stride_w, seen = first_tap ? 0 : spare;
          int out_column = t.column - tap, left = p.stride_w - t.phase_column, window_column = first_window_column - tap_columns;
          for (int c = 0; c < t.steps; c++) {
            STEP;
            if (left > seen && c < t.columns) {
              const bool inside = left > spare && (uint)out_column < (uint)p.out_width;
              const int result = row_result + c, address = row_address + out_column;
              accumulate_lanes after = sums[result];
              if (first_tap) after = 0;  // whatever lay there
              if (inside) {
                const accumulate_lanes value = to_accumulate_lanes(x[address]);
                if (average) {
                  after += value * nearest_reciprocal(pooling_extent(window_row, p.kernel_h, p.height, p.pad_h) *
                                                      pooling_extent(window_column, p.kernel_w, p.width, p.pad_w));
                } else {
                  after += winners[address] == (storage_lanes)(row_index + c) ? value : (accumulate_lanes)0;
                }
              }
              sums[result] = after;
            }
            if (--left == 0) {
              left = p.stride_w;
              out_column++;
              window_column += p.stride_w;
            }
          }
          row_index += p.width;
          row_result += t.columns;
          if (++phase_row == p.stride_h) {
            phase_row = 0;
            out_row++;
            window_row += p.stride_h;
            row_address += t.pitch;
          }
        }
        plane_address += t.source_plane;
      }
      tap_columns -= p.stride_w;
    }
    tap_rows -= p.stride_h;
    tap_row_address += t.pitch;
  }
}

#define UNIT_BODY "pooling_unit.h"
#include "each_unit.h"
