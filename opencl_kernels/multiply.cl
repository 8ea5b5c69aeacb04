// The multiply grid: convolution and inner product, forward, backward-data and backward-weights.
//
//   acc[a][i] += sum over lanes k of x[k][i][b] * vec[v][k]        PE_COLUMNS columns at once, for (a, b, v) over a nest of 7 loops
//
// One grid of PE_ROWS x PE_COLUMNS x PE_DEPTH multiply-adders a compute unit serves every pass; a pass is a descriptor
// (multiply_descriptor.h), made by caffe_layers/ops/multiply.cpp. docs/multiply-grid.md derives it.
//
//   x    [PE_DEPTH][PE_ROWS][X_WORDS] storage                    forward: [lane][image]; weights pass: [image][lane]
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
// Initiation interval 1 of the grid's loop: every step reads one word of each bank of x, one of each of vec, and reads and writes one
// of each of acc, which is what the two ports of a memory block give; addresses are running sums of the descriptor's steps, without
// a division or a multiplication; and the word of acc that a step writes is read again after ACC_DISTANCE steps at the earliest,
// which the host's choice of loops guarantees (a test computes it for every shape), so that a chain of PE_DEPTH additions has that
// many cycles to finish. That is what ivdep's safelen says.
//
// Device cost a compute unit: PE_ROWS * PE_COLUMNS * PE_DEPTH multiply-adders (one DSP block of an Arria 10 or a Stratix 10 each in fp32)
// and 48 adders where outputs and gradients are stored; memory blocks of 512 x 40 bits: PE_DEPTH * PE_ROWS * ceil(X_WORDS / 512) for x (a
// bank is LOAD_WORDS words wide where it is written), PE_DEPTH * PE_COLUMNS * ceil(VEC_WORDS / 512) for vec, PE_ROWS * PE_COLUMNS *
// ceil(ACC_WORDS / 512) for acc. At 4 x 32 x 8 and 2032, 512, 512 words: 1,024 multiply-adders, 128 + 256 + 128 = 512 blocks;
// docs/multiply-grid.md has those of every recipe. Each bank of x and vec is read once a cycle, each of acc read and written once: two ports
// at most. From external memory, LOAD_WORDS words a cycle for x, 16 words a cycle for vec, for stores, and for raw gradients that are added
// to. What Intel's compiler makes of it (achieved interval, clock) has not been run.
// DSP blocks of multiply_*: PE_ROWS * PE_COLUMNS * PE_DEPTH + 16 * 3
#include "common.h"
#include "multiply_descriptor.h"

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

// One row of a tile: the source columns first, first + step, ... where 0 <= column < limit, zeros elsewhere. Writes are aligned to
// LOAD_WORDS, the width of a bank's write port.
inline void load_row(__global const storage* restrict row, int first, int step, int limit, __local storage* restrict bank,
                     int width) {
  int column = first;
  for (int word = 0; word < width; word += LOAD_WORDS) {
    if (step == 1 && column >= 0 && column + LOAD_WORDS <= limit) {
      JOIN(vstore, LOAD_WORDS)(JOIN(vload, LOAD_WORDS)(0, row + column), 0, bank + word);
      column += LOAD_WORDS;
    } else {
#pragma unroll
      for (int e = 0; e < LOAD_WORDS; e++) {
        bank[word + e] = column >= 0 && column < limit ? row[column] : (storage)0;
        column += step;
      }
    }
  }
}

// One lane of one image: tile_rows rows of tile_width words.
inline void load_plane(__global const storage* restrict image_channel, int floats_left, int first_row, int first_column,
                       const multiply_descriptor d, bool exists, __local storage* restrict bank) {
  int row = first_row;
  for (int r = 0; r < d.tile_rows; r++) {
    const bool inside = exists && row >= 0 && row < d.height;
    const int start = inside ? row * d.width : 0;
    const int limit = inside ? min(d.width, floats_left - start) : 0;
    load_row(image_channel + start, first_column, d.column_step, limit, bank + r * d.tile_width, d.tile_width);
    row += d.row_step;
  }
}

#define UNIT_BODY "multiply_unit.h"
#include "each_unit.h"
