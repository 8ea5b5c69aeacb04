// The kernels of one compute unit that move weights; weights.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(pack_weights_, UNIT)(__global const storage* restrict raw, __constant const int* restrict taps,
                                        __global const weights_layout* restrict layouts, __global storage* restrict packed,
                                        const int vector_begin, const int vector_end) {
  int layout = 0;
  for (int vector = vector_begin; vector < vector_end; vector++) {
    while (vector >= layouts[layout].end_vector) layout++;
    const weights_layout w = layouts[layout];
    const vector_place place = place_of_vector(vector, w);
    tap_position at = {0, 0, 0};
    for (int outer = 0; outer < w.outer_count; outer++) {
      __global const storage* restrict from = raw + place.raw + (size_t)outer * w.outer;
      for (int e = 0; e < w.element_count; e += VECTOR) {
        const int elements = w.element_count - e;
        storage16 block[VECTOR];
#pragma unroll 1
        for (int c = 0; c < VECTOR; c++)
          block[c] = c < place.columns ? load_vector(from + (size_t)c * w.column + e, elements) : (storage16)0;
        transpose16(block);
#pragma unroll 1
        for (int c = 0; c < VECTOR; c++)
          if (c < elements) {
            const int word = packed_word(taps, at, w);
            if (word >= 0) vstore16(block[c], (size_t)word * w.vectors, packed + place.packed);
            at = next_tap(at, w);
          }
      }
    }
  }
}

// diff_dst [images][outputs][plane]. Where a plane is one float, a vector is 16 outputs; else 16 floats of one plane.
SINGLE_WORK_ITEM
__kernel void JOIN(parameter_gradients_, UNIT)(__global const storage* restrict packed, __constant const int* restrict taps,
                                               __global storage* restrict raw, const weights_layout w, const int adds,
                                               __global const storage* restrict diff_dst, __global storage* restrict diff_bias,
                                               const bias_sums bias, const int vector_begin, const int vector_end,
                                               const int output_begin, const int output_end) {
  for (int vector = vector_begin; vector < vector_end; vector++) {
    const vector_place place = place_of_vector(vector, w);
    tap_position at = {0, 0, 0};
    for (int outer = 0; outer < w.outer_count; outer++) {
      __global storage* restrict to = raw + place.raw + (size_t)outer * w.outer;
      for (int e = 0; e < w.element_count; e += VECTOR) {
        const int elements = w.element_count - e;
        storage16 block[VECTOR];
#pragma unroll 1
        for (int c = 0; c < VECTOR; c++) {
          accumulate16 sum = 0;
          if (c < elements) {
            const int word = packed_word(taps, at, w);
            if (word >= 0)
              for (int part = 0; part < w.partials; part++)
                sum += vload16((size_t)word * w.vectors, packed + place.packed + (size_t)part * w.partial_floats);
            at = next_tap(at, w);
          }
          block[c] = sum;
        }
        transpose16(block);
#pragma unroll 1
        for (int c = 0; c < VECTOR; c++)
          if (c < place.columns) {
            __global storage* restrict row = to + (size_t)c * w.column + e;
            store_vector(gradient_before(row, elements, adds) + block[c], row, elements);
          }
      }
    }
  }

  const int width = bias.plane == 1 ? VECTOR : 1;
  for (int output = output_begin; output < output_end; output += width) {
    accumulate16 sums[SUMS + 1];
#pragma unroll
    for (int i = 0; i <= SUMS; i++) sums[i] = 0;
    const int extent = bias.plane == 1 ? output_end - output : bias.plane;
    for (int image = 0; image < bias.images; image++) {
      __global const storage* restrict from = diff_dst + ((size_t)image * bias.outputs + output) * bias.plane;
      for (int s = 0; s < bias.plane; s += VECTOR) {
        sums[SUMS] = sums[0] + load_vector(from + s, extent - s);
#pragma unroll
        for (int i = 0; i < SUMS; i++) sums[i] = sums[i + 1];
      }
    }
    accumulate16 sum = 0;
#pragma unroll 1
    for (int i = 0; i < SUMS; i++) {
      sum += sums[0];
#pragma unroll
      for (int j = 0; j < SUMS; j++) sums[j] = sums[j + 1];
    }
    if (bias.plane == 1)
      store_vector(gradient_before(diff_bias + output, extent, bias.adds) + sum, diff_bias + output, extent);
    else
      diff_bias[output] = (bias.adds ? diff_bias[output] : (storage)0) + sum_of_lanes(sum);
  }
}
