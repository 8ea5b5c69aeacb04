// The PE array: convolution and inner product, forward, backward-data and backward-weights.
//
//   acc[a][i] += sum over lanes k of x[k][i][b] * vec[v][k]        PE_COLUMNS columns at once, for (a, b, v) over a nest of 7 loops
//
// One grid of PE_ROWS x PE_COLUMNS x PE_DEPTH MACs a compute unit serves every pass; a pass is a descriptor
// (multiply_descriptor.h), made by caffe_layers/plan/multiply_plan.cpp. docs/pe-array.md derives it.
//
//   x    [2][PE_DEPTH][PE_ROWS][X_WORDS] storage                 a half: forward [lane][image]; weights pass [image][lane]
//   vec  [VEC_WORDS][PE_DEPTH][PE_COLUMNS / 16] storage16        forward: weights        weights pass: diff_dst
//   acc  [ACC_WORDS][PE_ROWS][PE_COLUMNS / 16] accumulate16      forward: dst            weights pass: diff_weights
//
// A launch does a list of jobs, each of which is a descriptor and a part of its tiles. Outputs may be scaled and rectified as they are
// stored, so that what follows in place needs no pass over memory of its own.
//
// Weights are packed (weights.cl), or used as they lie: 16 columns side by side, or turned on the way if they lie apart, as diff_dst is.
// Gradients of raw weights are stored where they belong, added to what is there; a row may end within a vector.
//
// Backward-data is a forward pass over diff_dst with the weights read transposed, one descriptor a phase of the stride. A compute
// unit is a kernel by name, multiply_0 to multiply_<COMPUTE_UNITS - 1>: on a board two launches of one kernel run one after the
// other. multiply_unit.h holds the body.
//
// Build-time parameters: PE_ROWS, PE_COLUMNS, PE_DEPTH, X_WORDS, VEC_WORDS, ACC_WORDS, ACC_DISTANCE, LOAD_WORDS, COMPUTE_UNITS,
// STORAGE, ACCUMULATE.
//
// Initiation interval 1 of the array's loop: every step reads one word of each bank of one half of x, one of each of vec, and reads and writes
// one of each of acc, and an access of the loader writes LOAD_WORDS words side by side of one bank of x's other half, so that no memory
// block has more than its two ports used; addresses are running sums of the descriptor's steps, without a division or, in the array, a
// multiplication; and the word of acc that a step writes is read again after ACC_DISTANCE steps at the earliest, which the host's choice of
// loops guarantees (a test computes it for every shape), so that a chain of PE_DEPTH additions has that many cycles to finish. That is
// what ivdep's safelen says. The array's nest and the loader's are coalesced and fused: a cycle has a step of one and an access of the other.
//
// Device cost a compute unit: PE_ROWS * PE_COLUMNS * PE_DEPTH MACs (one DSP block of an Arria 10 or a Stratix 10 each in fp32)
// and 48 adders where outputs and gradients are stored; memory blocks of 512 x 40 bits: 2 * PE_DEPTH * PE_ROWS * ceil(X_WORDS / 512) for x (a
// bank is LOAD_WORDS words wide where it is written), PE_DEPTH * PE_COLUMNS * ceil(VEC_WORDS / 512) for vec, PE_ROWS * PE_COLUMNS *
// ceil(ACC_WORDS / 512) for acc. At 4 x 32 x 8 and 2032, 256, 512 words: 1,024 MACs, 256 + 256 + 128 = 640 blocks;
// docs/pe-array.md has those of every recipe. From external memory, LOAD_WORDS words a cycle for x, 16 words a cycle for vec, for
// stores, and for raw gradients that are added to. What Intel's compiler makes of it (achieved interval, fusion, clock) has not been run.
// DSP blocks of multiply_*: PE_ROWS * PE_COLUMNS * PE_DEPTH + 16 * 3
#include "common.h"
#include "interface/multiply_descriptor.h"

#pragma OPENCL FP_CONTRACT ON
#define GRID_VECTORS (PE_COLUMNS / VECTOR)

typedef struct {
  int input, fold_h, fold_w;
} lane_position;

inline lane_position next_lane(lane_position at, int fold_h, int fold_w) {
  if (++at.fold_w == fold_w) {
    at.fold_w = 0;
    if (++at.fold_h == fold_h) {
      at.fold_h = 0;
      ++at.input;
    }
  }
  return at;
}

// A word of vec or acc holds GRID_VECTORS vectors of 16 columns, each in banks of its own. Where vector j of a tile of columns lies, if its
// words are `stride` apart: a shift and a mask.
inline int word_of(int j, int stride) { return j / GRID_VECTORS * stride; }
inline int bank_of(int j) { return j % GRID_VECTORS; }

// How many of 16 columns there are at `row` floats into a group's weights; all of packed ones, which are padded.
inline int weights_valid(const multiply_descriptor d, int row, int columns_left) {
  if (d.weights == MULTIPLY_PACKED) return VECTOR;
  return row < d.weights_rows * d.group_columns ? max(0, min(VECTOR, columns_left)) : 0;
}

// The array visits one tile of outputs with one block of lanes at a time. In the weights pass the tiles of a block of lanes follow each other,
// in a pass over outputs the blocks of lanes of a tile.
typedef struct {
  int group, column_tile, outer_block, image_tile, row_tile, width_tile, inner_block;
} visit;

inline int inner_blocks(const multiply_descriptor d) { return d.weights_pass ? 1 : max(1, d.lane_blocks); }
inline int outer_blocks(const multiply_descriptor d) { return d.weights_pass ? d.lane_blocks : 1; }

inline visit first_visit(const multiply_range r) {
  const visit v = {r.group_begin, r.column_begin, 0, r.image_begin, r.row_begin, r.width_begin, 0};
  return v;
}

inline int count_visits(const multiply_descriptor d, const multiply_range r) {
  return (r.group_end - r.group_begin) * (r.column_end - r.column_begin) * outer_blocks(d) * (r.image_end - r.image_begin) *
         (r.row_end - r.row_begin) * (r.width_end - r.width_begin) * inner_blocks(d);
}

inline visit next_visit(visit v, const multiply_descriptor d, const multiply_range r) {
  if (++v.inner_block < inner_blocks(d)) return v;
  v.inner_block = 0;
  if (++v.width_tile < r.width_end) return v;
  v.width_tile = r.width_begin;
  if (++v.row_tile < r.row_end) return v;
  v.row_tile = r.row_begin;
  if (++v.image_tile < r.image_end) return v;
  v.image_tile = r.image_begin;
  if (++v.outer_block < outer_blocks(d)) return v;
  v.outer_block = 0;
  if (++v.column_tile < r.column_end) return v;
  v.column_tile = r.column_begin;
  ++v.group;
  return v;
}

inline bool is_first_tile(visit v, const multiply_range r) {
  return v.image_tile == r.image_begin && v.row_tile == r.row_begin && v.width_tile == r.width_begin;
}

inline bool is_last_tile(visit v, const multiply_range r) {
  return v.image_tile + 1 == r.image_end && v.row_tile + 1 == r.row_end && v.width_tile + 1 == r.width_end;
}

// What vec and acc hold in a visit.
typedef struct {
  int first_image;
  int first_output, columns_left;  // of the group's output channels
  int rows, columns;               // those that there are
  int runs, run_length;            // of pixels that lie side by side in a plane
  int plane_start;
  size_t weights;  // where those of its columns begin, floats
} tile;

inline tile tile_of(visit v, const multiply_descriptor d) {
  const int first_column = v.column_tile * d.vectors * VECTOR, output_row = v.row_tile * d.rows,
            output_column = v.width_tile * d.columns;
  tile t;
  t.first_image = v.image_tile * d.image_groups * (d.weights_pass ? PE_DEPTH : PE_ROWS);
  t.first_output = v.group * d.group_columns + first_column;
  t.columns_left = d.group_columns - first_column;
  t.rows = min(d.rows, d.output_height - output_row);
  t.columns = min(d.columns, d.output_width - output_column);
  t.runs = d.rows_contiguous ? 1 : t.rows;
  t.run_length = d.rows_contiguous ? t.rows * t.columns : t.columns;
  t.plane_start = d.plane_origin + output_row * d.plane_row_step + output_column * d.plane_column_step;
  t.weights = d.weights_start + (size_t)v.group * d.weights_group + (size_t)v.column_tile * d.weights_tile;
  return t;
}

// --- the loader of x ---

// The lane with which the loader of a visit begins, where `lane` is the one that follows the last one that it loaded, and `*block_start` the
// first one of the outer block.
inline lane_position first_lane(visit v, const multiply_range r, lane_position lane, lane_position* block_start) {
  const lane_position none = {0, 0, 0};
  if (v.inner_block > 0) return lane;
  if (v.outer_block == 0)
    *block_start = none;
  else if (is_first_tile(v, r))
    *block_start = lane;
  return *block_start;
}

// Where a row of a tile lies in src: the columns 0 <= column < limit are there, none where the row is not.
typedef struct {
  __global const storage* start;
  int limit;
} source_row;

inline source_row row_of(__global const storage* src, const multiply_descriptor d, int image, int group, int input, int row) {
  const size_t in_image = (size_t)(group * d.group_channels + input) * d.height * d.width;
  const bool exists = image < d.images && input < d.group_channels && row >= 0 && row < d.height;
  source_row found;
  found.start = src + (exists ? (size_t)image * d.image_stride + in_image + row * d.width : 0);
  found.limit = exists ? min(d.width, d.image_floats - (int)in_image - row * d.width) : 0;
  return found;
}

// LOAD_WORDS words, the width of a bank's write port: the columns first, first + step, ... of a row, zeros where there are none.
inline void load_words(source_row row, int first, int step, __local storage* restrict bank) {
  if (step == 1 && first >= 0 && first + LOAD_WORDS <= row.limit) {
    LOADED(LOAD_WORDS);
    JOIN(vstore, LOAD_WORDS)(JOIN(vload, LOAD_WORDS)(0, row.start + first), 0, bank);
  } else {
    int column = first;
#pragma unroll
    for (int e = 0; e < LOAD_WORDS; e++) {
      bank[e] = column >= 0 && column < row.limit ? load_element(row.start + column) : (storage)0;
      column += step;
    }
  }
}

// --- the loaders of vec ---

// Weights of which 16 columns lie side by side.
inline void load_weights(__global const storage* restrict operand, tile t, const multiply_descriptor d, int first_row,
                         __local storage16 vec[][PE_DEPTH][GRID_VECTORS]) {
  int word = 0;
  for (int w = 0; w < d.window; w++) {
    int k = 0, row = first_row + w * d.weights_window;
    for (int l = 0; l < d.lanes; l++) {
      for (int j = 0; j < d.vectors; j++) {
        STEP;
        const int valid = weights_valid(d, row, t.columns_left - j * VECTOR);
        vec[word + word_of(j, d.vec_vector)][k][bank_of(j)] =
            load_vector(operand + t.weights + (valid > 0 ? row : 0) + j * VECTOR, valid);
      }
      row += d.weights_lane;
      if (++k == PE_DEPTH) {
        k = 0;
        word++;
      }
    }
  }
}

// diff_dst where an image is one pixel, whose columns lie side by side, too. A tile of several pixels has nothing at the others.
inline void load_pixels(__global const storage* restrict operand, tile t, const multiply_descriptor d,
                        __local storage16 vec[][PE_DEPTH][GRID_VECTORS]) {
  const int tile_pixels = d.rows * d.columns;
  for (int k = 0; k < PE_DEPTH; k++)
    for (int g = 0; g < d.image_groups; g++) {
      const int image = t.first_image + g * PE_DEPTH + k;
      for (int j = 0; j < d.vectors; j++) {
        const int wanted = image < d.images ? min(VECTOR, t.columns_left - j * VECTOR) : 0;
        const int base = word_of(j, d.vec_vector) + g * tile_pixels;
        for (int p = 0; p < tile_pixels; p++) {
          STEP;
          vec[base + p][k][bank_of(j)] =
              load_vector(operand + (size_t)image * d.output_image + t.first_output + j * VECTOR, p == 0 ? wanted : 0);
        }
      }
    }
}

// What lies in runs of a column's words: an image's pixels, or a lane's window. 16 columns are read 16 words at a time, and turned.
inline void load_turned(__global const storage* restrict operand, tile t, const multiply_descriptor d, int inner_block,
                        __local storage16 vec[][PE_DEPTH][GRID_VECTORS]) {
  const int tile_pixels = d.rows * d.columns;
  const int groups = d.weights_pass ? d.image_groups : d.lane_groups;
  const int tile_runs = d.weights_pass && !d.rows_contiguous ? d.rows : 1, runs = d.weights_pass ? t.runs : 1;
  const int length = d.weights_pass ? (d.rows_contiguous ? tile_pixels : d.columns) : d.window;
  const int group_words = d.weights_pass ? tile_pixels : 1, step = d.weights_pass ? 1 : groups;
  const int apart = d.weights_pass ? d.plane : d.weights_rows;
  const size_t first_word = d.weights_pass ? (size_t)t.first_output * d.plane + t.plane_start : t.weights;
  for (int k = 0; k < PE_DEPTH; k++)
    for (int g = 0; g < groups; g++) {
      const int item = (d.weights_pass ? t.first_image : inner_block * d.lanes) + g * PE_DEPTH + k;
      const int begin = d.weights_pass ? 0 : item * d.window;  // of a lane, in its column
      const bool exists = d.weights_pass ? item < d.images : begin < d.weights_rows;
      const int there = d.weights_pass ? t.run_length : min(d.window, d.weights_rows - begin);
      __global const storage* restrict from =
          operand + first_word + (d.weights_pass ? (size_t)item * d.output_image : (size_t)begin);
      for (int j = 0; j < d.vectors; j++) {
        const int wanted = exists ? min(VECTOR, t.columns_left - j * VECTOR) : 0;
        int word = word_of(j, d.vec_vector) + g * group_words;
        for (int r = 0; r < tile_runs; r++)
          for (int p = 0; p < length; p += VECTOR) {
            STEP;
            storage16 block[VECTOR];
#pragma unroll
            for (int c = 0; c < VECTOR; c++)
              block[c] = c < wanted && r < runs
                             ? load_vector(from + (size_t)(j * VECTOR + c) * apart + r * d.plane_row_step + p, there - p)
                             : (storage16)0;
            transpose16(block);
#pragma unroll
            for (int c = 0; c < VECTOR; c++)
              if (p + c < length) vec[word + c * step][k][bank_of(j)] = block[c];
            word += min(VECTOR, length - p) * step;
          }
      }
    }
}

// --- stores ---

// 16 columns of one run of pixels of an image.
inline void store_run(const storage16 block[VECTOR], __global storage* restrict to, const multiply_descriptor d, int wanted,
                      int first, int length) {
#pragma unroll
  for (int c = 0; c < VECTOR; c++)
    if (c < wanted) {
      __global storage* restrict row = to + (size_t)c * d.plane;
      if (d.plane_column_step == 1) {
        store_vector(block[c], row + first, length - first);
      } else {
        storage single[VECTOR];
        vstore16(block[c], 0, single);
        int column = first * d.plane_column_step;
#pragma unroll
        for (int e = 0; e < VECTOR; e++) {
          if (first + e < length) store_element(single[e], row + column);
          column += d.plane_column_step;
        }
      }
    }
}

inline void store_outputs(__local accumulate16 acc[][PE_ROWS][GRID_VECTORS], tile t, const multiply_descriptor d,
                          const multiply_store stores, __global const storage* restrict scale,
                          __global const storage* restrict offset, __global storage* restrict dst) {
  for (int g = 0; g < d.image_groups; g++)
    for (int i = 0; i < PE_ROWS; i++) {
      const int image = t.first_image + g * PE_ROWS + i;
      for (int j = 0; j < d.vectors; j++) {
        const int first = t.first_output + j * VECTOR, there = t.columns_left - j * VECTOR;
        const int wanted = image < d.images ? min(VECTOR, there) : 0;
        __global storage* restrict to = dst + (size_t)image * d.output_image + (size_t)first * d.plane + t.plane_start;
        const int base = word_of(j, d.acc_vector) + g * d.rows * d.columns;
        // The offset is added last, for it may be larger than all that it is added to.
        const accumulate16 factor = stores.scales ? load_vector(scale + first, there) : (storage16)1;
        const accumulate16 term = stores.offsets ? load_vector(offset + first, there) : (storage16)0;
        for (int r = 0; r < (wanted > 0 ? t.runs : 0); r++)
          for (int p = 0; p < t.run_length; p += VECTOR) {
            storage16 block[VECTOR];
#pragma unroll 1
            for (int c = 0; c < VECTOR; c++) {
              STEP;
              block[c] = p + c < t.run_length
                             ? stored(acc[base + r * d.columns + p + c][i][bank_of(j)], factor, term, stores.rectifies)
                             : (storage16)0;
            }
            if (d.plane == 1) {
              store_vector(block[0], to, wanted);
            } else {
              transpose16(block);
              store_run(block, to + r * d.plane_row_step, d, wanted, p, t.run_length);
            }
          }
      }
    }
}

// A tile of weight gradients, its parts added in order.
inline void store_gradients(__local accumulate16 acc[][PE_ROWS][GRID_VECTORS], tile t, const multiply_descriptor d, int adds,
                            int outer_block, __global storage* restrict dst) {
  const int part_words = word_of(d.vectors, d.acc_vector);
  __global storage* restrict to = dst + t.weights;
  int word = 0;
  for (int w = 0; w < d.window; w++) {
    int i = 0, row = outer_block * d.lanes * d.weights_lane + w * d.weights_window;
    for (int l = 0; l < d.lanes; l++) {
      // No two rows or vectors overlap: what is added to was not stored here.
#pragma ivdep array(dst)
      for (int j = 0; j < d.vectors; j++) {
        accumulate16 sum = 0;
        for (int part = 0; part < d.parts; part++) {
          STEP;
          sum += acc[part * part_words + word_of(j, d.acc_vector) + word][i][bank_of(j)];
        }
        const int valid = weights_valid(d, row, t.columns_left - j * VECTOR);
        __global storage* restrict at = to + (valid > 0 ? row : 0) + j * VECTOR;
        if (adds) sum += load_vector(at, valid);
        store_vector(sum, at, valid);
      }
      row += d.weights_lane;
      if (++i == PE_ROWS) {
        i = 0;
        word++;
      }
    }
  }
}

#define UNIT_BODY "multiply_unit.h"
#include "each_unit.h"
