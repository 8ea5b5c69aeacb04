// Max and average pooling, forward and backward.
//
//   forward:   dst[p][q]      = max or mean of src[h][w] over the window of (p, q); winners[p][q] = h * W + w of the first maximum
//   backward:  diff_src[h][w] = sum of diff_dst[p][q] over the windows (p, q) that hold (h, w): for a maximum those that it won, for
//                               a mean all of them, divided by their size
// for each plane (a channel of an image): src, diff_src [planes][H][W], dst, diff_dst, winners [planes][P][Q], all STORAGE. A winner is
// an index kept as a number, as in stock Caffe's second top: exact up to 2^24 in single precision, -1 where no value of a window is
// greater than -FLT_MAX. Window, clipping, and what a NaN does are stock Caffe's (src/caffe/layers/pooling_layer.cpp); backward is a
// gather over diff_src as in its pooling_layer.cu, so nothing is scattered.
//
// Sixteen planes side by side, one a lane: all lanes read the same address of their banks, so that strides and odd maps cost neither
// shifters nor crossbars. Loaders and storers turn 16 x 16 blocks, since memory holds a plane's words side by side. The loop over a
// window is the outermost one, the results of a tile are inside: each is visited again after ACC_DISTANCE steps at the earliest
// (the host adds idle steps to tiles that are smaller), and sees its window in stock Caffe's order.
//
// Build-time parameters: ACC_WORDS (words a lane of each on-chip memory), ACC_DISTANCE, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1 of the loops over results: one read of each on-chip memory and one write of sums and winners a step;
// addresses, rows and columns are running sums; a sum is read again no sooner than ACC_DISTANCE steps after it was written, which is
// what ivdep's safelen says and more than an addition takes. A mean's divisor is shared by the 16 lanes: one reciprocal a step.
//
// Device cost a compute unit, estimated: 3 memories of 16 lanes x ACC_WORDS words a pass (at 1,024 words 3 * 32 blocks of 512 x 40
// bits forward, as many backward), 16 comparators, 16 adders, 16 multipliers and one divider a pass, 2 x 16 x 16 words of registers
// for turning. A unit loads and stores 16 words a cycle and does one tap of 16 results a cycle, one after the other.
// What Intel's compiler makes of it has not been run.
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

// x[i] = word i of the run of every lane. Lanes without a plane give zeros. One vector is loaded at a time: a single access unit.
inline void pooling_load(__global const storage* restrict from, size_t lane_stride, int planes_left, const pooling_problem p,
                         int run, __local storage16* restrict x) {
  const int words = p.planes_per_lane * run;
  for (int word = 0; word < words; word += VECTOR) {
    storage16 block[VECTOR];
#pragma unroll 1
    for (int lane = 0; lane < VECTOR; lane++)
      block[lane] = load_vector(from + lane * lane_stride + word, pooling_lane_words(lane, planes_left, p, run) - word);
    transpose16(block);
#pragma unroll 1
    for (int i = 0; i < min(VECTOR, words - word); i++) x[word + i] = block[i];
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

// Every result of the tile takes in every tap of its window. `sums` are indexed as the results are stored.
inline void pooling_forward_tile(__local const storage16* restrict x, __local accumulate16* restrict sums,
                                 __local accumulate16* restrict winners, const pooling_problem p, const pooling_tile t) {
  const int x_plane = t.source_runs * t.source_run;
  const accumulate start = p.average ? 0 : -FLT_MAX;
  int tap_row_address = t.address, tap_row_index = t.row * p.width + t.column;
#pragma ivdep array(sums) safelen(ACC_DISTANCE)
#pragma ivdep array(winners) safelen(ACC_DISTANCE)
#pragma loop_coalesce 5
  for (int tap_row = t.tap_begin; tap_row < t.tap_end; tap_row++) {
    const bool last_row = t.last && tap_row == t.tap_end - 1;
    for (int tap = 0; tap < p.taps_w; tap++) {
      const bool first_tap = t.first && tap_row == t.tap_begin && tap == 0;
      const bool last_tap = last_row && tap == p.taps_w - 1;
      int plane_address = tap_row_address + tap, result = 0;
      for (int plane = 0; plane < p.planes_per_lane; plane++) {
        int row_address = plane_address, row_index = tap_row_index + tap;
        int row = t.row + tap_row - t.tap_begin;
        for (int r = 0; r < t.rows; r++) {
          const bool row_inside = row >= 0 && row < p.height;
          int column = t.column + tap, address = row_address, index = row_index;
          for (int c = 0; c < t.steps; c++) {
            if (c < t.columns) {
              const bool inside = row_inside && column >= 0 && column < p.width;
              const accumulate16 before = first_tap ? (accumulate16)start : sums[result];
              const accumulate16 value = inside ? to_accumulate16(x[address]) : (accumulate16)start;
              accumulate16 after;
              if (p.average) {
                after = before + value;
                if (last_tap)
                  after *= nearest_reciprocal(pooling_extent(row - tap_row, p.kernel_h, p.height, p.pad_h) *
                                              pooling_extent(column - tap, p.kernel_w, p.width, p.pad_w));
              } else {
                const accumulate16 winner = first_tap ? (accumulate16)-1 : winners[result];
                after = value > before ? value : before;
                winners[result] = value > before ? (accumulate16)index : winner;
              }
              sums[result] = after;
              result++;
            }
            column += p.stride_w;
            address += p.stride_w;
            index += p.stride_w;
          }
          row += p.stride_h;
          row_address += p.stride_h * t.pitch;
          row_index += p.stride_h * p.width;
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
  const int x_plane = t.source_runs * t.source_run;
#pragma ivdep array(sums) safelen(ACC_DISTANCE)
#pragma loop_coalesce 5
  for (int tap_row = t.tap_end - 1; tap_row >= t.tap_begin; tap_row--) {
    for (int tap = p.taps_w - 1; tap >= 0; tap--) {
      const bool first_tap = t.first && tap_row == t.tap_end - 1 && tap == p.taps_w - 1;
      int plane_address = t.address - tap_row * t.pitch - tap, result = 0;
      for (int plane = 0; plane < p.planes_per_lane; plane++) {
        int row_address = plane_address, row_index = t.result_offset;
        int out_row = t.row - tap_row, phase_row = t.phase_row;
        for (int r = 0; r < t.rows; r++) {
          const bool row_inside = out_row >= 0 && out_row < p.out_height && phase_row + tap_row * p.stride_h < p.kernel_h;
          const int window_row = out_row * p.stride_h - p.pad_h;
          int out_column = t.column - tap, phase_column = t.phase_column, address = row_address, index = row_index;
          for (int c = 0; c < t.steps; c++) {
            if (c < t.columns) {
              const bool inside =
                  row_inside && out_column >= 0 && out_column < p.out_width && phase_column + tap * p.stride_w < p.kernel_w;
              accumulate16 after = first_tap ? (accumulate16)0 : sums[result];
              if (inside) {
                const accumulate16 value = to_accumulate16(x[address]);
                if (p.average) {
                  const int window_column = out_column * p.stride_w - p.pad_w;
                  after += value * nearest_reciprocal(pooling_extent(window_row, p.kernel_h, p.height, p.pad_h) *
                                                      pooling_extent(window_column, p.kernel_w, p.width, p.pad_w));
                } else {
                  after += winners[address] == (storage16)index ? value : (accumulate16)0;
                }
              }
              sums[result] = after;
              result++;
            }
            index++;
            if (++phase_column == p.stride_w) {
              phase_column = 0;
              out_column++;
              address++;
            }
          }
          row_index += p.width;
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
