// The kernels of one compute unit of depthwise convolution; depthwise.cl includes it by way of each_unit.h, once a unit. See
// there.

// Forward, source is src and result is dst; backward-data, source is diff_dst and result is diff_src.
SINGLE_WORK_ITEM
__kernel void JOIN(depthwise_apply_, UNIT)(__global const storage* restrict source, __global const storage* restrict weights,
                                           __global const storage* restrict scale, __global const storage* restrict offset,
                                           __global storage* restrict result, __global const depthwise_part* restrict parts,
                                           __global const depthwise_sweep* restrict sweeps, const depthwise_problem p,
                                           const multiply_store stores, const depthwise_range range) {
  __local storage16 x[ACC_WORDS];
  __local accumulate16 sums[ACC_WORDS];
  __local storage16 taps[DEPTHWISE_TAPS][ACC_WORDS / 4];  // copies: as many are read in a step

  const int parts_of_plane = p.tiles * p.kernel_parts;
  int plane = range.begin / parts_of_plane * VECTOR, part = range.begin % parts_of_plane;
  accumulate16 factor = 1, term = 0;
  for (int i = range.begin; i < range.end; i++) {
    const depthwise_part t = parts[part];
    const bool first = i == range.begin, first_of_planes = first || part == 0;
    if (first_of_planes) {
      factor = depthwise_numbers(scale, stores.scales, 1, plane, p);
      term = depthwise_numbers(offset, stores.offsets, 0, plane, p);
    }

    for (int run = 0; run < (first_of_planes || t.load_weights ? t.weights_runs : 0); run++)
      for (int word = 0; word < t.weights_run; word += VECTOR) {
        storage16 block[VECTOR];
        depthwise_load_weights(weights, plane, t.weights_offset + run * p.kernel_row + word, p, block);
#pragma unroll 1
        for (int k = 0; k < min(VECTOR, t.weights_run - word); k++) {
#pragma unroll
          for (int copy = 0; copy < DEPTHWISE_TAPS; copy++) taps[copy][run * t.weights_run + word + k] = block[k];
        }
      }

    if (first || t.clear) depthwise_clear(x, p.source_words);
    depthwise_load(source, (size_t)plane * p.source_plane, (size_t)p.planes * p.source_plane, p.source_plane, p.source_row,
                   t.source, x);
    depthwise_sweeps(x, taps, sums, sweeps, t.sweep_begin, t.sweep_end);
    if (t.last)
      depthwise_store(sums, factor, term, stores.rectifies, result + (size_t)plane * p.result_plane, min(p.planes - plane, VECTOR),
                      p.result_plane, p.result_row, t.result);

    if (++part == parts_of_plane) {
      part = 0;
      plane += VECTOR;
    }
  }
}

// A lane is a first_channel, and takes all images one after the other.
SINGLE_WORK_ITEM
__kernel void JOIN(depthwise_weights_, UNIT)(__global const storage* restrict src, __global const storage* restrict diff_dst,
                                             __global storage* restrict diff_weights, __global const depthwise_part* restrict parts,
                                             __global const depthwise_sweep* restrict sweeps, const depthwise_problem p,
                                             const int adds, const depthwise_range range) {
  __local storage16 x[ACC_WORDS];
  __local storage16 diff[ACC_WORDS];
  __local accumulate16 partials[DEPTHWISE_TAPS][ACC_WORDS / 2];

  for (int first_channel = range.begin * VECTOR; first_channel < min(range.end * VECTOR, p.channels); first_channel += VECTOR)
    for (int first = 0; first < p.tiles * p.kernel_parts; first += p.tiles) {
      const depthwise_part kernel_part = parts[first];
      for (int i = 0; i < kernel_part.chunks * DEPTHWISE_PARTIALS; i++) {
#pragma unroll
        for (int k = 0; k < DEPTHWISE_TAPS; k++) partials[k][i] = 0;
      }

      int turn = 0;
      for (int plane = first_channel; plane < p.planes; plane += p.channels)
        for (int tile = 0; tile < p.tiles; tile++) {
          const depthwise_part t = parts[first + tile];
          if (t.clear || (tile == 0 && plane == first_channel)) depthwise_clear(x, p.source_words);
          depthwise_load(src, (size_t)plane * p.source_plane, (size_t)p.planes * p.source_plane, p.source_plane, p.source_row,
                         t.source, x);
          depthwise_load(diff_dst, (size_t)plane * p.result_plane, (size_t)p.planes * p.result_plane, p.result_plane, p.result_row,
                         t.result, diff);
          turn = depthwise_gradients(x, diff, partials, sweeps, t, p.pitch, turn);
        }

      depthwise_tap tap = {0, 0, 0, 0, 0};
      for (int run = 0; run < kernel_part.weights_runs; run++)
        for (int word = 0; word < kernel_part.weights_run; word += VECTOR) {
          const int words = min(VECTOR, kernel_part.weights_run - word);
          accumulate16 totals[VECTOR];
#pragma unroll
          for (int i = 0; i < VECTOR; i++) totals[i] = 0;
          tap = depthwise_totals(partials, kernel_part, tap, words, totals);
          storage16 block[VECTOR];
#pragma unroll
          for (int i = 0; i < VECTOR; i++) block[i] = depthwise_narrow(totals[i]);
          transpose16(block);
          __global storage* restrict to =
              diff_weights + first_channel * p.kernel_plane + kernel_part.weights_offset + run * p.kernel_row + word;
#pragma unroll 1
          for (int lane = 0; lane < min(p.channels - first_channel, VECTOR); lane++) {
            storage16 before = 0;
            if (adds) before = load_vector(to, words);
            store_vector(before + block[lane], to, words);
            to += p.kernel_plane;
          }
        }
    }
}
