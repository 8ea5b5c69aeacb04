// Weights between Caffe's layout and the multiply grid's, and the gradient of the bias.
//
//   pack_weights:          packed = raw, transposed so that 16 output channels of one tap and input channel are one word, in each layout
//   parameter_gradients:   raw = (adds ? raw : 0) + packed, all partial gradients added in their order
//                          diff_bias[o] = (adds ? diff_bias[o] : 0) + sum over n, s of diff_dst[n][o][s]
//
// raw: Caffe's weights, float, [O][C/G][KH][KW] (weights_layout.h has the strides). packed: [group][column tile][window][lane][column].
// Units share the vectors of 16 output channels, and of the sums the outputs. Where the old gradient is known to be zero it is not read.
// All layouts in which a layer's passes want its weights are packed by one launch, and one adds up both gradients: a launch costs more
// than most of them move.
// Build-time parameters: COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1: weights move by 16 reads of a 512-bit word and then 16 writes, a 16 x 16 block in registers between them, whose
// transposition is wiring; no address depends on memory but through `taps`, which is constant. The sums of diff_dst go into a shift
// register of SUMS vectors, so that a sum meets itself again SUMS cycles later, more than an addition takes.
// Device cost a compute unit: about 16 x 16 x 32 flip-flops for the block of each kernel, 96 adders in parameter_gradients, 64 of them for
// the bias; one load and one store of 512 bits in the one, three and two in the other; 16 words a cycle, no on-chip memory. What Intel's
// compiler makes of it has not been run.
// DSP blocks of pack_weights_*: 0
// DSP blocks of parameter_gradients_*: 16 * 2 + 16 * 2 + 15 + 1 + 16
#include "arithmetic.h"
#include "common.h"
#include "weights_layout.h"

#define SUMS 8

typedef struct {
  int channel_word, row, column;
} tap_position;

inline tap_position next_tap(tap_position at, const weights_layout w) {
  if (++at.column == w.taps_w) {
    at.column = 0;
    if (++at.row == w.taps_h) {
      at.row = 0;
      at.channel_word += w.channel_words;
    }
  }
  return at;
}

// The word of packed weights at a tap, -1 where it has none.
inline int packed_word(__constant const int* taps, tap_position at, const weights_layout w) {
  const int row = taps[w.first_tap + at.row], column = taps[w.first_tap + w.taps_h + at.column];
  return row < 0 || column < 0 ? -1 : at.channel_word + row + column;
}

// The gradient that is added to, zeros where it need not be read.
inline storage16 gradient_before(__global const storage* from, int valid, int adds) {
  storage16 before = 0;
  if (adds) before = load_vector(from, valid);
  return before;
}

// Where a vector of 16 output channels begins: `first` of its group, in raw and in packed weights.
typedef struct {
  int first, columns;  // columns: those left in the group, 16 or more but in its last vector
  size_t raw, packed;
} vector_place;

inline vector_place place_of_vector(int vector, const weights_layout w) {
  const int group_vectors = (w.columns + VECTOR - 1) / VECTOR, of_layout = vector - w.first_vector;
  const int group = of_layout / group_vectors, in_group = of_layout % group_vectors;
  vector_place at;
  at.first = in_group * VECTOR;
  at.columns = w.columns - at.first;
  at.raw = (size_t)group * w.group + (size_t)at.first * w.column;
  at.packed = w.packed_start + (size_t)group * w.packed_group + (size_t)(in_group / w.vectors) * w.packed_tile +
              (in_group % w.vectors) * VECTOR;
  return at;
}

#define UNIT_BODY "weights_unit.h"
#include "each_unit.h"
