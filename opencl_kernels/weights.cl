// Weights between Caffe's layout and the multiply grid's, and the gradient of the bias.
//
//   pack_weights:        packed = raw, transposed so that 16 output channels of one tap and input channel are one word
//   unpack_add_weights:  raw   += packed, all partial gradients added in their order
//   bias_gradient:       diff_bias[o] += sum over n, s of diff_dst[n][o][s]
//
// raw: Caffe's weights, float, [O][C/G][KH][KW] (weights_layout.h has the strides). packed: [group][column tile][window][lane][column].
// Build-time parameters: STORAGE, ACCUMULATE.
//
// Initiation interval 1: pack and unpack alternate 16 reads of a 512-bit word with 16 writes, a 16 x 16 block in registers between
// them, whose transposition is wiring; no address depends on memory but through `taps`, which is constant. bias_gradient adds into a
// shift register of SUMS vectors, so that a sum meets itself again SUMS cycles later, more than an addition takes.
// Device cost: about 16 x 16 x 32 flip-flops a kernel for the block, 16 adders in each of the last two.
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
  const int row = taps[at.row], column = taps[w.taps_h + at.column];
  return row < 0 || column < 0 ? -1 : at.channel_word + row + column;
}

SINGLE_WORK_ITEM
__kernel void pack_weights(__global const storage* restrict raw, __constant const int* restrict taps,
                           __global storage* restrict packed, const weights_layout w) {
  for (int group = 0; group < w.groups; group++) {
    size_t tile = (size_t)group * w.packed_group;
    int vector = 0;
    for (int first = 0; first < w.columns; first += VECTOR) {
      const int columns_left = w.columns - first;
      tap_position at = {0, 0, 0};
      for (int outer = 0; outer < w.outer_count; outer++) {
        __global const storage* restrict from = raw + (size_t)group * w.group + (size_t)first * w.column + (size_t)outer * w.outer;
        for (int e = 0; e < w.element_count; e += VECTOR) {
          const int elements = w.element_count - e;
          storage16 block[VECTOR];
          if (w.element == 1) {
#pragma unroll
            for (int c = 0; c < VECTOR; c++)
              block[c] = c < columns_left ? load_vector(from + (size_t)c * w.column + e, elements) : (storage16)0;
            transpose16(block);
          } else {
#pragma unroll
            for (int c = 0; c < VECTOR; c++)
              block[c] = c < elements ? load_vector(from + (size_t)(e + c) * w.element, columns_left) : (storage16)0;
          }
#pragma unroll
          for (int c = 0; c < VECTOR; c++)
            if (c < elements) {
              const int word = packed_word(taps, at, w);
              if (word >= 0) vstore16(block[c], (size_t)word * w.vectors + vector, packed + tile);
              at = next_tap(at, w);
            }
        }
      }
      if (++vector == w.vectors) {
        vector = 0;
        tile += w.packed_tile;
      }
    }
  }
}

SINGLE_WORK_ITEM
__kernel void unpack_add_weights(__global const storage* restrict packed, __constant const int* restrict taps,
                                 __global storage* restrict raw, const weights_layout w) {
  for (int group = 0; group < w.groups; group++) {
    size_t tile = (size_t)group * w.packed_group;
    int vector = 0;
    for (int first = 0; first < w.columns; first += VECTOR) {
      const int columns_left = w.columns - first;
      tap_position at = {0, 0, 0};
      for (int outer = 0; outer < w.outer_count; outer++) {
        __global storage* restrict to = raw + (size_t)group * w.group + (size_t)first * w.column + (size_t)outer * w.outer;
        for (int e = 0; e < w.element_count; e += VECTOR) {
          const int elements = w.element_count - e;
          storage16 block[VECTOR];
#pragma unroll
          for (int c = 0; c < VECTOR; c++) {
            accumulate16 sum = 0;
            if (c < elements) {
              const int word = packed_word(taps, at, w);
              if (word >= 0)
                for (int part = 0; part < w.partials; part++)
                  sum += vload16((size_t)word * w.vectors + vector, packed + tile + (size_t)part * w.partial_floats);
              at = next_tap(at, w);
            }
            block[c] = sum;
          }
          if (w.element == 1) {
            transpose16(block);
#pragma unroll
            for (int c = 0; c < VECTOR; c++)
              if (c < columns_left) {
                __global storage* restrict row = to + (size_t)c * w.column + e;
                store_vector(load_vector(row, elements) + block[c], row, elements);
              }
          } else {
#pragma unroll
            for (int c = 0; c < VECTOR; c++)
              if (c < elements) {
                __global storage* restrict row = to + (size_t)(e + c) * w.element;
                store_vector(load_vector(row, columns_left) + block[c], row, columns_left);
              }
          }
        }
      }
      if (++vector == w.vectors) {
        vector = 0;
        tile += w.packed_tile;
      }
    }
  }
}

// diff_dst [images][outputs][plane]. Where a plane is one float, a vector is 16 outputs; else 16 floats of one plane.
SINGLE_WORK_ITEM
__kernel void bias_gradient(__global const storage* restrict diff_dst, __global storage* restrict diff_bias, const int images,
                            const int outputs, const int plane) {
  const int width = plane == 1 ? VECTOR : 1;
  for (int output = 0; output < outputs; output += width) {
    accumulate16 sums[SUMS + 1];
#pragma unroll
    for (int i = 0; i <= SUMS; i++) sums[i] = 0;
    const int extent = plane == 1 ? outputs - output : plane;
    for (int image = 0; image < images; image++) {
      __global const storage* restrict from = diff_dst + ((size_t)image * outputs + output) * plane;
      for (int s = 0; s < plane; s += VECTOR) {
        sums[SUMS] = sums[0] + load_vector(from + s, extent - s);
#pragma unroll
        for (int i = 0; i < SUMS; i++) sums[i] = sums[i + 1];
      }
    }
    accumulate16 sum = 0;
#pragma unroll
    for (int i = 0; i < SUMS; i++) sum += sums[i];
    if (plane == 1)
      store_vector(load_vector(diff_bias + output, extent) + sum, diff_bias + output, extent);
    else
      diff_bias[output] += sum_of_lanes(sum);
  }
}
