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
    __global const storage* restrict from = raw + place.raw;
    for (int outer = 0; outer < w.outer_count; outer++) {
      for (int e = 0; e < w.element_count; e += VECTOR) {
        const int elements = w.element_count - e;
        storage16 block[VECTOR];
        __global const storage* restrict column = from + e;
#pragma unroll 1
        for (int c = 0; c < VECTOR; c++) {
          STEP;
          block[c] = c < place.columns ? load_vector(column, elements) : (storage16)0;
          column += w.column;
        }
        transpose16(block);
#pragma unroll 1
        for (int c = 0; c < VECTOR; c++) {
          STEP;
          if (c < elements) {
            const int word = packed_word(taps, at, w);
            if (word >= 0) store_vector(block[c], packed + place.packed + word * w.vectors * VECTOR, VECTOR);
            at = next_tap(at, w);
          }
        }
      }
      from += w.outer;
    }
  }
}

// diff_dst [images][outputs][plane]. Where a plane is one float, a vector of the sums is LANES outputs; else LANES floats of one plane.
SINGLE_WORK_ITEM
__kernel void JOIN(parameter_gradients_, UNIT)(__global const storage* restrict packed, __constant const int* restrict taps,
                                               __global storage* restrict raw, const weights_layout w, const int adds,
                                               __global const storage* restrict diff_dst, __global storage* restrict diff_bias,
                                               const bias_sums bias, const int vector_begin, const int vector_end,
                                               const int output_begin, const int output_end) {
  for (int vector = vector_begin; vector < vector_end; vector++) {
    const vector_place place = place_of_vector(vector, w);
    tap_position at = {0, 0, 0};
    __global storage* restrict to = raw + place.raw;
    for (int outer = 0; outer < w.outer_count; outer++) {
      for (int e = 0; e < w.element_count; e += VECTOR) {
        const int elements = w.element_count - e;
        storage16 block[VECTOR];
#pragma unroll 1
        for (int c = 0; c < VECTOR; c++) {
          block[c] = 0;
          if (c < elements) {
            const int word = packed_word(taps, at, w);
            if (word >= 0) block[c] = partials_added(packed, place.packed + word * w.vectors * VECTOR, w);
            at = next_tap(at, w);
          }
        }
        transpose16(block);
        __global storage* restrict column = to + e;
#pragma unroll 1
        for (int c = 0; c < VECTOR; c++) {
          if (c < place.columns) add_gradients(block[c], column, elements, adds);
          column += w.column;
        }
      }
      to += w.outer;
    }
  }

  const int width = bias.plane == 1 ? LANES : 1, image_words = bias.outputs * bias.plane;
  int output_words = output_begin * bias.plane;
  for (int output = output_begin; output < output_end; output += width) {
    accumulate_lanes sums[SUMS + 1];
#pragma unroll
    for (int i = 0; i <= SUMS; i++) sums[i] = 0;
    const int extent = bias.plane == 1 ? output_end - output : bias.plane;
    __global const storage* restrict from = diff_dst + output_words;
    for (int image = 0; image < bias.images; image++) {
      for (int s = 0; s < bias.plane; s += LANES) {
        STEP;
        sums[SUMS] = sums[0] + load_lanes(from + s, extent - s);
#pragma unroll
        for (int i = 0; i < SUMS; i++) sums[i] = sums[i + 1];
      }
      from += image_words;
    }
    output_words += bias.plane == 1 ? LANES : bias.plane;
    accumulate_lanes sum = 0;
#pragma unroll 1
    for (int i = 0; i < SUMS; i++) {
      STEP;
      sum += sums[0];
#pragma unroll
      for (int j = 0; j < SUMS; j++) sums[j] = sums[j + 1];
    }
    if (bias.plane != 1) sum = (accumulate_lanes)sum_of_lanes(sum);
    const int outputs = bias.plane == 1 ? extent : 1;
    store_lanes(gradient_before(diff_bias + output, outputs, bias.adds) + to_storage_lanes(sum), diff_bias + output, outputs);
  }
}
