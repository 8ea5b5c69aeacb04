// Weights between Caffe's layout and the PE array's, and the gradient of the bias.
//
//   pack_weights:          packed = raw, transposed so that 16 output channels of one tap and input channel are one word, in each layout
//   parameter_gradients:   raw = (adds ? raw : 0) + packed, all partial gradients added in their order
//                          diff_bias[o] = (adds ? diff_bias[o] : 0) + sum over n, s of diff_dst[n][o][s]
//
// raw: Caffe's weights, float, [O][C/G][KH][KW] (weights_layout.h has the strides). packed: [group][column tile][window][lane][column].
// Units share the vectors of 16 output channels, and of the sums the outputs. Where the old gradient is known to be zero it is not read.
// All layouts in which a layer's passes want its weights are packed by one launch, and one adds up both gradients: a launch costs more
// than most of them move.
// Build-time parameters: LANES, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1: weights move by 16 reads of 16 words and then 16 writes, gradients LANES words at a time, a 16 x 16 block in
// registers between them, whose transposition is wiring; no address depends on memory but through `taps`, which is constant. The sums of diff_dst go into a shift
// register of SUMS vectors, so that a sum meets itself again SUMS cycles later, more than an addition takes.
// Device cost a compute unit: about 16 x 16 x 32 flip-flops for the block of each kernel, 6 * LANES adders in parameter_gradients, 4 * LANES of
// them for the bias; one load and one store of 512 bits in the one, three and two of LANES words in the other; 16 and LANES words a cycle,
// no on-chip memory. What Intel's compiler makes of it has not been run.
// DSP blocks of pack_weights_*: 0
// DSP blocks of parameter_gradients_*: LANES * 5 + LANES - 1
#include "arithmetic.h"
#include "common.h"
#include "interface/weights_layout.h"
#include "lanes.h"

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
inline storage_lanes gradient_before(__global const storage* from, int valid, int adds) {
  storage_lanes before = 0;
  if (adds) before = load_lanes(from, valid);
  return before;
}

// One vector of packed gradients, LANES at a time: the partial gradients that lie from `at` on, added in their order.
inline storage16 partials_added(__global const storage* restrict packed, int at, const weights_layout w) {
  storage all[VECTOR];
#pragma unroll 1
  for (int i = 0; i < VECTOR / LANES; i++) {
    accumulate_lanes sum = 0;
    int from = at;
    for (int part = 0; part < w.partials; part++) {
      STEP;
      sum += load_lanes(packed + from + i * LANES, LANES);
      from += w.partial_floats;
    }
    vstore_lanes(to_storage_lanes(sum), i, all);
  }
  return vload16(0, all);
}

// Stores one vector of gradients, LANES at a time, added to what there is.
inline void add_gradients(storage16 gradients, __global storage* restrict to, int valid, int adds) {
  storage all[VECTOR];
  vstore16(gradients, 0, all);
#pragma unroll 1
  for (int i = 0; i < VECTOR / LANES; i++) {
    STEP;
    const int left = valid - i * LANES;
    store_lanes(gradient_before(to + i * LANES, left, adds) + vload_lanes(i, all), to + i * LANES, left);
  }
}

// Where a vector of 16 output channels begins: `first` of its group, in raw and in packed weights.
typedef struct {
  int first, columns;  // columns: those left in the group, 16 or more but in its last vector
  int raw, packed;
} vector_place;

inline vector_place place_of_vector(int vector, const weights_layout w) {
  const int group_vectors = (w.columns + VECTOR - 1) / VECTOR, of_layout = vector - w.first_vector;
  const int group = of_layout / group_vectors, in_group = of_layout % group_vectors;
  vector_place at;
  at.first = in_group * VECTOR;
  at.columns = w.columns - at.first;
  at.raw = group * w.group + at.first * w.column;
  at.packed = w.packed_start + group * w.packed_group + in_group / w.vectors * w.packed_tile + in_group % w.vectors * VECTOR;
  return at;
}

#define UNIT_BODY "weights_unit.h"
#include "each_unit.h"
