// The kernels of one compute unit of numbers a channel; channels.cl includes it by way of each_unit.h, once a unit. See there.

// Rows are planes in the order in which they lie in memory or, where inner is 1, groups of LANES channels. The last plane may be cut
// short.
SINGLE_WORK_ITEM
__kernel void JOIN(channel_affine_, UNIT)(__global const storage* src, __global const storage* other,
                                          __global const storage* centre, __global const storage* slope,
                                          __global const storage* scale, __global const storage* shift, __global storage* dst,
                                          __global storage* kept, const channel_shape s, const int options,
                                          const channel_range rows) {
  const int channels_a_row = s.inner == 1 ? LANES : 1;
  // Words before this are read or written by this unit alone, so a row's last vector may be read whole; no more of it is used.
  const int own_end = s.inner == 1 ? 0 : min(s.count, rows.end_word);
  const int row_words = s.inner == 1 ? LANES : s.inner;
  int first = rows.first, begin = rows.word;
#pragma ivdep
  for (int row = rows.begin; row < rows.end; row++) {
    const accumulate_lanes centres = channel_numbers(centre, s, first, options & CHANNEL_CENTRE, 0);
    const accumulate_lanes slopes = channel_numbers(slope, s, first, options & CHANNEL_SLOPE, 0);
    const accumulate_lanes scales = channel_numbers(scale, s, first, options & CHANNEL_SCALE, 1);
    const accumulate_lanes shifts = channel_numbers(shift, s, first, options & CHANNEL_SHIFT, 0);
    const int runs = s.inner == 1 ? s.outer : 1, words = min(channel_words(s, first), s.count - begin);
    int run_begin = begin;
#pragma ivdep
    for (int run = 0; run < runs; run++) {
#pragma ivdep
      for (int i = 0; i < words; i += LANES) {
        STEP;
        const int at = run_begin + i, readable = max(words - i, own_end - at);
        const storage_lanes value = load_lanes(src + at, readable);
        accumulate_lanes of_other = 0;
        if (options & CHANNEL_OTHER) of_other = to_accumulate_lanes(load_lanes(other + at, readable));
        const storage_lanes result = to_storage_lanes((to_accumulate_lanes(value) - centres - of_other * slopes) * scales + shifts);
        if (options & (CHANNEL_KEEPS_SRC | CHANNEL_KEEPS_DST))
          store_lanes(options & CHANNEL_KEEPS_SRC ? value : result, kept + at, words - i);
        store_lanes(result, dst + at, words - i);
      }
      run_begin += s.channels;
    }
    begin += row_words;
    first = first + channels_a_row >= s.channels ? 0 : first + channels_a_row;
  }
}

// Rows are channels or, where inner is 1, groups of LANES.
SINGLE_WORK_ITEM
__kernel void JOIN(channel_sums_, UNIT)(__global const storage* restrict a, __global const storage* restrict b,
                                        __global const storage* restrict centre, __global storage* restrict products,
                                        __global storage* restrict sums, const channel_shape s, const int options,
                                        const float divisor, const channel_range rows) {
  int begin = rows.word;
  for (int row = rows.begin; row < rows.end; row++) {
    const int first = s.inner == 1 ? row * LANES : row;
    const accumulate_lanes centres = channel_numbers(centre, s, first, options & CHANNEL_CENTRE, 0);
    const int words = channel_words(s, first);
    accumulate_lanes product_partials[CHANNEL_PARTIALS], sum_partials[CHANNEL_PARTIALS];
#pragma unroll
    for (int i = 0; i < CHANNEL_PARTIALS; i++) product_partials[i] = sum_partials[i] = 0;

    int run_begin = begin;
#pragma loop_coalesce 2
    for (int n = 0; n < s.outer; n++) {
      for (int i = 0; i < words; i += LANES) {
        STEP;
        const int at = run_begin + i;
        const int_lanes here =
            LANE_NUMBERS < (int_lanes)(words - i);  // of a row's last vector, what is read beyond the row is left out
        const accumulate_lanes value = to_accumulate_lanes(load_lanes(b + at, s.count - at));
        const accumulate_lanes y = here ? value - centres : (accumulate_lanes)0;
        accumulate_lanes x = y;
        if (options & CHANNEL_A) x = here ? to_accumulate_lanes(load_lanes(a + at, s.count - at)) : (accumulate_lanes)0;
        if (options & CHANNEL_NEGATIVE_A)  // 0 * x where x is not below
          x = x <= (accumulate_lanes)0 ? x : (isfinite(x) ? (accumulate_lanes)0 : (accumulate_lanes)NAN);
        const accumulate_lanes product = product_partials[CHANNEL_PARTIALS - 1] + x * y;
        const accumulate_lanes sum = sum_partials[CHANNEL_PARTIALS - 1] + y;
#pragma unroll
        for (int j = CHANNEL_PARTIALS - 1; j > 0; j--) {
          product_partials[j] = product_partials[j - 1];
          sum_partials[j] = sum_partials[j - 1];
        }
        product_partials[0] = product;
        sum_partials[0] = sum;
      }
      run_begin += s.image;
    }
    begin += s.inner == 1 ? LANES : s.inner;
    // One after the other past the same adders and divider.
#pragma unroll 1
    for (int result = 0; result < 2; result++) {
      const bool is_sums = result == 1;
      if (is_sums) {
#pragma unroll
        for (int i = 0; i < CHANNEL_PARTIALS; i++) product_partials[i] = sum_partials[i];
      }
      if (options & (is_sums ? CHANNEL_SUMS : CHANNEL_PRODUCTS))
        channel_store_totals(product_partials, s, first, divisor, options & (is_sums ? CHANNEL_ADDS_SUMS : CHANNEL_ADDS_PRODUCTS),
                             is_sums ? sums : products);
    }
  }
}
