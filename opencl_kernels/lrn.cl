// Local response normalisation, across channels or within each, forward and backward.
//
//   forward:   scale = shift + factor * sum of src^2 over the window,  power = scale^exponent,
//              dst = src * power,  ratio = dst / scale
//   backward:  diff_src = diff_dst * power - factor * src * (sum of diff_dst * ratio over the window)
// All buffers STORAGE [images][channels][height][width]; power and ratio are kept from forward to backward, which then has neither
// power nor division. A window is local_size channels, or local_size x local_size pixels of a channel, around each element; what of
// it lies outside counts as 0. As stock Caffe (src/caffe/layers/lrn_layer.cpp), but for the order of the sums: there a sum across
// channels is taken on by adding the next square and subtracting the last, here it is of its squares alone, so nothing drifts. But what is
// not finite leaves NaN behind when it is subtracted, and so it does here, in all later channels of the tile.
//
// A tile of results and what their windows see are on chip, LANES neighbouring pixels or LANES planes side by side, one a lane
// (lrn_problem.h). Planes are turned in LANES x LANES blocks on the way in and out, since memory holds a plane's words side by side. A window
// slides along a row in a shift register of LRN_TAPS words, which a tree adds up: all of a window across up to LRN_TAPS channels in one
// step. Larger windows, and the rows of those within a channel, are added to the sums in further sweeps over the tile, so a window may
// be of any size of which a tile holds one.
//
// Forward and backward are one kernel, since they never run at once: they differ in what they load, and share memories and window.
//
// Build-time parameters: ACC_WORDS (words a lane of each on-chip memory), ACC_DISTANCE, LANES, FUNCTION_LANES (how many results
// are worked on at once: no more than external memory feeds, four loads and stores a result, and no more than there is room for so many
// powers), COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1 of the window's loop: one read of each on-chip memory and one write of the sums a step; nothing but the shift
// register is carried from step to step, and no sum is read again within ACC_DISTANCE steps (idle ones are added to small tiles),
// which is what ivdep's safelen says and more than an addition takes. A vector of results takes LRN_STEPS steps, FUNCTION_LANES lanes in
// each.
//
// Device cost a compute unit, estimated: 2 memories of LANES lanes x ACC_WORDS words (16 of 1,024 words are 64 blocks of 512 x 40 bits), 2 x
// LANES x LANES words of registers for turning, 5 loads and 3 stores of LANES words, LANES x LRN_TAPS adders and LANES multipliers for the
// window, and FUNCTION_LANES x (29 multiply-adds, adders or multipliers, most of them the power's, and 1 divider) for the results. LANES
// results take about LRN_STEPS + 1 + T cycles forward and LRN_STEPS + 2 + T backward, T being the sweeps: 1 across up to LRN_TAPS channels,
// local_size within a channel up to that size. Loads and stores move LANES words a cycle, one vector after the other. What Intel's compiler makes of it has not been run.
// DSP blocks of lrn_*: LANES * (1 + LRN_TAPS) + 1 + FUNCTION_LANES * (29 + FUNCTION)
#include "interface/lrn_problem.h"
#include "lanes.h"

#define LRN_TAPS 5
#define LRN_STEPS (LANES / FUNCTION_LANES)

// --- powers ---

// log2(1 + t) / t for sqrt(1/2) - 1 <= t < sqrt(2) - 1, and (2^t - 1) / t for |t| <= 1/2: the polynomials with the least largest
// error, relative to the logarithm 2.6e-8, and to 2^t 3.9e-9.
inline function_numbers lrn_log2_polynomial(function_numbers t) {
  function_numbers sum = 0.125837051f;
  sum = sum * t - 0.207269762f;
  sum = sum * t + 0.215715601f;
  sum = sum * t - 0.238944819f;
  sum = sum * t + 0.287916248f;
  sum = sum * t - 0.360703683f;
  sum = sum * t + 0.480910643f;
  sum = sum * t - 0.721347347f;
  return sum * t + 1.442695f;
}

inline function_numbers lrn_exp2_polynomial(function_numbers t) {
  function_numbers sum = 0.000154697742f;
  sum = sum * t + 0.00134100072f;
  sum = sum * t + 0.00961803064f;
  sum = sum * t + 0.0555029729f;
  sum = sum * t + 0.240226511f;
  return sum * t + 0.693147225f;
}

inline function_numbers lrn_power_of_2(function_ints exponent) { return JOIN(as_float, FUNCTION_LANES)((exponent + 127) << 23); }

// x to the power of y, within (3 + |y|) * 2^-24 of itself; as pow() for 0, infinity, NaN, negative x and y = 0.
//
// With x = 2^e * (1 + t), it is 2^(y * e + y * log2(1 + t)). Of the exponent only what goes beyond the nearest whole number is
// rounded: y.high * e is exact, and so is the difference. An exp(y * log(x)) would lose as many bits as that whole number has.
inline function_numbers lrn_power(function_numbers x, const lrn_exponent y) {
  const float exponent = y.high + y.low;
  const function_numbers size = fabs(x);
  const function_ints above = JOIN(as_int, FUNCTION_LANES)(size) - 0x3f3504f3;  // the bits of sqrt(1/2), which 1 + t starts from
  const function_numbers e = JOIN(convert_float, FUNCTION_LANES)(above >> 23);
  const function_numbers t = JOIN(as_float, FUNCTION_LANES)((above & 0x7fffff) + 0x3f3504f3) - 1;

  const function_numbers coarse = y.high * e, fine = y.low * e + exponent * (t * lrn_log2_polynomial(t));
  const function_numbers whole = rint(clamp(coarse + fine, -252.0f, 252.0f));
  const function_numbers rest = clamp((coarse - whole) + fine, -1.0f, 1.0f);
  const function_ints n = JOIN(convert_int, FUNCTION_LANES)(whole), n_low = n >> 1;
  function_numbers power = (1 + rest * lrn_exp2_polynomial(rest)) * lrn_power_of_2(n_low) * lrn_power_of_2(n - n_low);

  if (y.parity == LRN_ODD) power = copysign(power, x);
  if (y.parity == LRN_NO_INTEGER) power = x < (function_numbers)0 ? (function_numbers)NAN : power;
  power = size == (function_numbers)0 ? (function_numbers)(exponent < 0 ? INFINITY : 0) : power;
  power = size == (function_numbers)INFINITY ? (function_numbers)(exponent < 0 ? 0 : INFINITY) : power;
  power = isnan(x) ? (function_numbers)NAN : power;
  return exponent == 0 ? (function_numbers)1 : power;
}

// --- tiles ---

// A tile's results, and the source that tap_rows rows of their windows see. Strides are on-chip words, offsets words in memory.
typedef struct {
  int rows, columns, source_rows, source_columns;
  int lead_row, lead_column;         // of the source, where the first of these taps of result 0 lies; negative: outside
  int x_row, x_column;               // from a row of the source to the next, and from a column to the next
  int sums_row, sums_column;         // the same for results
  int lanes;                         // words (across channels) or planes (within) from lane 0 to the end
  int source_offset, result_offset;  // of lane 0
} lrn_tile;

// Where a row and a column lie from a group's beginning: one multiplication, whatever a row is.
inline int lrn_place(const lrn_problem p, int row, int column) {
  return (p.across ? column : row) * (p.across ? p.positions : p.columns) + (p.across ? row * LANES : column);
}

// The group and the tile in it that is being worked on.
typedef struct {
  int word, lanes;  // as in lrn_range
  int row, column;
} lrn_position;

inline lrn_position lrn_next(lrn_position at, const lrn_problem p) {
  at.column += p.tile_columns;
  if (at.column >= p.columns) {
    at.column = 0;
    at.row += p.tile_rows;
    if (at.row >= p.rows) {
      at.row = 0;
      at.word += p.group_words;
      at.lanes -= LANES;
    }
  }
  return at;
}

inline lrn_tile lrn_tile_at(const lrn_problem p, const lrn_position at, int tap_row) {
  const int row = at.row, column = at.column;
  const int first_row = row + tap_row - p.window_rows / 2, first_column = column - p.window_columns / 2;
  const int source_row = max(first_row, 0), source_column = max(first_column, 0);
  lrn_tile t;
  t.rows = min(p.tile_rows, p.rows - row);
  t.columns = min(p.tile_columns, p.columns - column);
  t.source_rows = max(min(first_row + t.rows + p.tap_rows - 1, p.rows) - source_row, 0);
  t.source_columns = min(first_column + t.columns + p.window_columns - 1, p.columns) - source_column;
  t.lead_row = first_row - source_row;
  t.lead_column = first_column - source_column;
  t.x_row = p.across ? 1 : t.source_columns;
  t.x_column = p.across ? t.rows : 1;
  t.sums_row = p.across ? 1 : t.columns;
  t.sums_column = p.across ? t.rows : 1;
  t.lanes = p.across ? p.positions - row * LANES : at.lanes;
  t.source_offset = at.word + lrn_place(p, source_row, source_column);
  t.result_offset = at.word + lrn_place(p, row, column);
  return t;
}

// How words of a tile lie in memory: `runs` of `words` on-chip words. Across channels a run is a channel and each word of it a vector
// in memory; within a channel a run is a row, or all rows where they are whole, and LANES words of it are turned from as many lanes'
// vectors. Strides in memory: from a run to the next, from the words of a block to the next block's, and between a block's vectors.
typedef struct {
  int runs, words;
  int run_stride, block_stride, vector_stride;
} lrn_runs;

inline lrn_runs lrn_runs_of(const lrn_problem p, int rows, int columns) {
  lrn_runs r;
  const bool whole = columns == p.columns;
  r.runs = p.across ? columns : (whole ? 1 : rows);
  r.words = p.across ? rows : (whole ? rows * columns : columns);
  r.run_stride = p.across ? p.positions : p.columns;
  r.block_stride = p.across ? LANES * LANES : LANES;
  r.vector_stride = p.across ? LANES : p.positions;
  return r;
}

// Vectors that the LANES words from `word` of a run have in memory, and how many words of the i-th count.
inline int lrn_vectors(const lrn_problem p, const lrn_runs r, int word) { return p.across ? min(LANES, r.words - word) : LANES; }
inline int lrn_valid(const lrn_problem p, const lrn_tile t, const lrn_runs r, int word, int i) {
  return p.across ? t.lanes - (word + i) * LANES : (i < t.lanes ? r.words - word : 0);
}

// x = first * second for the source of a tile; forward, where second is not read, first squared.
inline void lrn_load(__global const storage* restrict first, __global const storage* restrict second, const lrn_problem p,
                     const lrn_tile t, __local storage_lanes* restrict x) {
  const lrn_runs r = lrn_runs_of(p, t.source_rows, t.source_columns);
  int run_begin = t.source_offset, run_address = 0;
  for (int run = 0; run < r.runs; run++) {
    int begin = run_begin;
    for (int word = 0; word < r.words; word += LANES) {
      storage_lanes block[LANES];
      int at = begin;
#pragma unroll 1
      for (int i = 0; i < lrn_vectors(p, r, word); i++) {
        STEP;
        const int valid = lrn_valid(p, t, r, word, i);
        const accumulate_lanes a = to_accumulate_lanes(load_lanes(first + at, valid));
        accumulate_lanes b = a;
        if (p.pass == LRN_BACKWARD) b = to_accumulate_lanes(load_lanes(second + at, valid));
        block[i] = to_storage_lanes(a * b);
        at += r.vector_stride;
      }
      if (!p.across) turn_lanes(block);
#pragma unroll 1
      for (int i = 0; i < min(LANES, r.words - word); i++) {
        STEP;
        x[run_address + word + i] = block[i];
      }
      begin += r.block_stride;
    }
    run_begin += r.run_stride;
    run_address += r.words;
  }
}

// --- the window ---

// Adds to the sums of a tile's results what tap_rows rows of their windows hold, from row `first_tap` on: LRN_TAPS columns of one of
// these rows in each sweep over the tile. The first sweep of all sets the sums.
inline void lrn_window(__local const storage_lanes* restrict x, __local accumulate_lanes* restrict sums, const lrn_problem p,
                       const lrn_tile t, int first_tap) {
  const int steps = max(t.columns + LRN_TAPS - 1, (ACC_DISTANCE + t.rows - 1) / t.rows);
  const int tap_rows = min(p.tap_rows, p.window_rows - first_tap);
  const int line = p.across ? t.lead_column : t.lead_row, in_line = p.across ? t.lead_row : t.lead_column;
  int tap_row_address = line * (p.across ? t.x_column : t.x_row) + in_line;
  accumulate_lanes passed[LRN_TAPS];
#pragma unroll
  for (int i = 0; i < LRN_TAPS; i++) passed[i] = 0;

#pragma ivdep array(sums) safelen(ACC_DISTANCE)
#pragma loop_coalesce 4
  for (int tap_row = 0; tap_row < tap_rows; tap_row++) {
    int tap_address = tap_row_address;
    for (int tap = 0; tap < p.window_columns; tap += LRN_TAPS) {
      const bool first_sweep = first_tap == 0 && tap_row == 0 && tap == 0;
      int row_address = tap_address, row_result = 0;
      for (int row = 0; row < t.rows; row++) {
        int_lanes left_behind = 0;  // across: bits that make a NaN of a sum
        const int source_row = t.lead_row + tap_row + row;
        const bool row_inside = source_row >= 0 && source_row < t.source_rows;
        int source_column = t.lead_column + tap, address = row_address, result = row_result;
        for (int step = 0; step < steps; step++) {
          STEP;
          // passed[i] is of the column i before this one; where a result is due, all are of this row.
#pragma unroll
          for (int i = LRN_TAPS - 1; i > 0; i--) passed[i] = passed[i - 1];
          const bool inside = row_inside && source_column >= 0 && source_column < t.source_columns;
          passed[0] = inside ? to_accumulate_lanes(x[address]) : (accumulate_lanes)0;
          if (step >= LRN_TAPS - 1 && step < t.columns + LRN_TAPS - 1) {
            accumulate_lanes sum = passed[LRN_TAPS - 1];
#pragma unroll
            for (int i = 1; i < LRN_TAPS; i++) sum += tap + i < p.window_columns ? passed[LRN_TAPS - 1 - i] : (accumulate_lanes)0;
            if (p.across && tap == 0) {
              sum = JOIN(as_float, LANES)(JOIN(as_int, LANES)(sum) | left_behind);
              left_behind |= fabs(passed[LRN_TAPS - 1]) < (accumulate_lanes)INFINITY ? (int_lanes)0 : (int_lanes)0x7fc00000;
            }
            sums[result] = first_sweep ? sum : sums[result] + sum;
            result += t.sums_column;
          }
          source_column++;
          address += t.x_column;
        }
        row_address += t.x_row;
        row_result += t.sums_row;
      }
      tap_address += LRN_TAPS * t.x_column;
    }
    tap_row_address += t.x_row;
  }
}

// --- results ---

// One vector of each operand and result, a lane a word, of which FUNCTION_LANES are worked on at once.
typedef struct {
  storage src[LANES], sum[LANES], diff[LANES], power[LANES], ratio[LANES], result[LANES];
} lrn_vector;

inline void lrn_forward_results(lrn_vector* v, const lrn_problem p) {
#pragma unroll 1
  for (int i = 0; i < LRN_STEPS; i++) {
    STEP;
    const function_numbers scale = p.shift + p.factor * to_function_numbers(vload_functions(i, v->sum));
    const function_numbers power = lrn_power(scale, p.exponent), dst = to_function_numbers(vload_functions(i, v->src)) * power;
    vstore_functions(to_function_words(power), i, v->power);
    vstore_functions(to_function_words(dst / scale), i, v->ratio);
    vstore_functions(to_function_words(dst), i, v->result);
  }
}

inline void lrn_backward_results(lrn_vector* v, const lrn_problem p) {
#pragma unroll 1
  for (int i = 0; i < LRN_STEPS; i++) {
    STEP;
    const function_numbers taken =
        p.factor * (to_function_numbers(vload_functions(i, v->src)) * to_function_numbers(vload_functions(i, v->sum)));
    vstore_functions(
        to_function_words(to_function_numbers(vload_functions(i, v->diff)) * to_function_numbers(vload_functions(i, v->power)) -
                          taken),
        i, v->result);
  }
}

#define UNIT_BODY "lrn_unit.h"
#include "each_unit.h"
