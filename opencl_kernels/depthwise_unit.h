// The kernels of one compute unit of depthwise convolution; depthwise.cl includes it by way of each_unit.h, once a unit. See
// there.

// Forward, source is src and result is dst; backward-data, source is diff_dst and result is diff_src.
SINGLE_WORK_ITEM
__kernel void JOIN(depthwise_apply_, UNIT)(__global const storage* restrict source, __global const storage* restrict weights,
                                           __global const storage* restrict scale, __global const storage* restrict offset,
                                           __global storage* restrict result, __global const depthwise_part* restrict parts,
                                           __global const depthwise_sweep* restrict sweeps, const depthwise_problem p,
                                           const multiply_store stores, const depthwise_range range) {
  __local storage_lanes x[ACC_WORDS];
  __local accumulate_lanes sums[ACC_WORDS];
  __local storage_lanes taps[DEPTHWISE_TAPS][ACC_WORDS / 4];  // copies: as many are read in a step

  int plane = range.plane, part = range.part;
  int source_at = range.source, result_at = range.result, first_channel = 0, channel_weights = 0;
  accumulate_lanes factor = 1, term = 0;
  for (int i = range.begin; i < range.end; i++) {
    const depthwise_part t = parts[part];
    const bool first = i == range.begin, first_of_planes = first || part == 0;
    if (first_of_planes) {
      first_channel = plane % p.channels;
      channel_weights = first_channel * p.kernel_plane;
      factor = depthwise_numbers(scale, stores.scales, 1, first_channel, p);
      term = depthwise_numbers(offset, stores.offsets, 0, first_channel, p);
    }

    int run_offset = t.weights_offset, run_address = 0;
    for (int run = 0; run < (first_of_planes || t.load_weights ? t.weights_runs : 0); run++) {
      for (int word = 0; word < t.weights_run; word += LANES) {
        storage_lanes block[LANES];
        depthwise_load_weights(weights, first_channel, channel_weights, run_offset + word, p, block);
#pragma unroll 1
        for (int k = 0; k < min(LANES, t.weights_run - word); k++) {
          STEP;
#pragma unroll
          for (int copy = 0; copy < DEPTHWISE_TAPS; copy++) taps[copy][run_address + word + k] = block[k];
        }
      }
      run_offset += p.kernel_row;
      run_address += t.weights_run;
    }

    if (first || t.clear) depthwise_clear(x, p.source_words);
    depthwise_load(source, source_at, p.source_blob, p.source_plane, p.source_row, t.source, x);
    depthwise_sweeps(x, taps, sums, sweeps, t.sweep_begin, t.sweep_end);
    if (t.last)
      depthwise_store(sums, factor, term, stores.rectifies, result + result_at, min(p.planes - plane, LANES), p.result_plane,
                      p.result_row, t.result);

    if (++part == p.parts) {
      part = 0;
      plane += LANES;
      source_at += LANES * p.source_plane;
      result_at += LANES * p.result_plane;
    }
  }
}

// A lane is a channel, and takes all images one after the other.
SINGLE_WORK_ITEM
__kernel void JOIN(depthwise_weights_, UNIT)(__global const storage* restrict src, __global const storage* restrict diff_dst,
                                             __global storage* restrict diff_weights, __global const depthwise_part* restrict parts,
                                             __global const depthwise_sweep* restrict sweeps, const depthwise_problem p,
                                             const int adds, const depthwise_range range) {
  __local storage_lanes x[ACC_WORDS];
  __local storage_lanes diff[ACC_WORDS];
  __local accumulate_lanes partials[DEPTHWISE_TAPS][ACC_WORDS / 2];

  int source_begin = range.source, result_begin = range.result, weights_begin = range.weights;
  for (int first_channel = range.begin * LANES; first_channel < min(range.end * LANES, p.channels); first_channel += LANES) {
    for (int first = 0; first < p.parts; first += p.tiles) {
      const depthwise_part kernel_part = parts[first];
      for (int i = 0; i < kernel_part.chunks * DEPTHWISE_PARTIALS; i++) {
        STEP;
#pragma unroll
        for (int k = 0; k < DEPTHWISE_TAPS; k++) partials[k][i] = 0;
      }

      int turn = 0, source_at = source_begin, result_at = result_begin;
      for (int plane = first_channel; plane < p.planes; plane += p.channels) {
        for (int tile = 0; tile < p.tiles; tile++) {
          const depthwise_part t = parts[first + tile];
          if (t.clear || (tile == 0 && plane == first_channel)) depthwise_clear(x, p.source_words);
          depthwise_load(src, source_at, p.source_blob, p.source_plane, p.source_row, t.source, x);
          depthwise_load(diff_dst, result_at, p.result_blob, p.result_plane, p.result_row, t.result, diff);
          turn = depthwise_gradients(x, diff, partials, sweeps, t, p.pitch, turn);
        }
        source_at += p.source_image;
        result_at += p.result_image;
      }

      depthwise_tap tap = {0, 0, 0, 0, 0};
      int run_begin = weights_begin + kernel_part.weights_offset;
      for (int run = 0; run < kernel_part.weights_runs; run++) {
        for (int word = 0; word < kernel_part.weights_run; word += LANES) {
          const int words = min(LANES, kernel_part.weights_run - word);
          accumulate_lanes totals[LANES];
#pragma unroll
          for (int i = 0; i < LANES; i++) totals[i] = 0;
          tap = depthwise_totals(partials, kernel_part, tap, words, totals);
          storage_lanes block[LANES];
#pragma unroll
          for (int i = 0; i < LANES; i++) block[i] = to_storage_lanes(totals[i]);
          turn_lanes(block);
          __global storage* restrict to = diff_weights + run_begin + word;
#pragma unroll 1
          for (int lane = 0; lane < min(p.channels - first_channel, LANES); lane++) {
            STEP;
            storage_lanes before = 0;
            if (adds) before = load_lanes(to, words);
            store_lanes(before + block[lane], to, words);
            to += p.kernel_plane;
          }
        }
        run_begin += p.kernel_row;
      }
    }
    source_begin += LANES * p.source_plane;
    result_begin += LANES * p.result_plane;
    weights_begin += LANES * p.kernel_plane;
  }
}
