// The kernels of one compute unit of numbers a channel; channels.cl includes it by way of each_unit.h, once a unit. See there.

// Rows are planes in the order in which they lie in memory or, where inner is 1, groups of 16 channels. The last plane may be cut short,
// at `count` words of all.
SINGLE_WORK_ITEM
__kernel void JOIN(channel_affine_, UNIT)(__global const storage* src, __global const storage* other,
                                          __global const storage* centre, __global const storage* slope,
                                          __global const storage* scale, __global const storage* shift, __global storage* dst,
                                          __global storage* kept, const channel_shape s, const int count, const int options,
                                          const unit_range rows) {
  const int channels_a_row = s.inner == 1 ? VECTOR : 1;
  // Words before this are read or written by this unit alone, so a row's last vector may be read whole; no more of it is used.
  const int own_end = s.inner == 1 ? 0 : min(count, rows.end * s.inner);
  int first = rows.begin * channels_a_row % s.channels;
#pragma ivdep
  for (int row = rows.begin; row < rows.end; row++) {
    const accumulate16 centres = channel_numbers(centre, s, first, options & CHANNEL_CENTRE, 0);
    const accumulate16 slopes = channel_numbers(slope, s, first, options & CHANNEL_SLOPE, 0);
    const accumulate16 scales = channel_numbers(scale, s, first, options & CHANNEL_SCALE, 1);
    const accumulate16 shifts = channel_numbers(shift, s, first, options & CHANNEL_SHIFT, 0);
    const int begin = row * (s.inner == 1 ? VECTOR : s.inner);
    const int runs = s.inner == 1 ? s.outer : 1, words = min(channel_words(s, first), count - begin);
#pragma ivdep
    for (int run = 0; run < runs; run++) {
#pragma ivdep
      for (int i = 0; i < words; i += VECTOR) {
        const int at = begin + run * s.channels + i, readable = max(words - i, own_end - at);
        const storage16 value = load_vector(src + at, readable);
        accumulate16 of_other = 0;
        if (options & CHANNEL_OTHER) of_other = channel_wide(load_vector(other + at, readable));
        const storage16 result = channel_narrow((channel_wide(value) - centres - of_other * slopes) * scales + shifts);
        if (options & (CHANNEL_KEEPS_SRC | CHANNEL_KEEPS_DST))
          store_vector(options & CHANNEL_KEEPS_SRC ? value : result, kept + at, words - i);
        store_vector(result, dst + at, words - i);
      }
    }
    first = first + channels_a_row >= s.channels ? 0 : first + channels_a_row;
  }
}

// Rows are channels or, where inner is 1, groups of 16.
SINGLE_WORK_ITEM
__kernel void JOIN(channel_sums_, UNIT)(__global const storage* restrict a, __global const storage* restrict b,
                                        __global const storage* restrict centre, __global storage* restrict products,
                                        __global storage* restrict sums, const channel_shape s, const int options,
                                        const float divisor, const unit_range rows) {
  const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const int count = s.outer * s.channels * s.inner;
  for (int row = rows.begin; row < rows.end; row++) {
    const int first = row * (s.inner == 1 ? VECTOR : 1);
    const accumulate16 centres = channel_numbers(centre, s, first, options & CHANNEL_CENTRE, 0);
    const int words = channel_words(s, first);
    accumulate16 product_partials[CHANNEL_PARTIALS], sum_partials[CHANNEL_PARTIALS];
#pragma unroll
    for (int i = 0; i < CHANNEL_PARTIALS; i++) product_partials[i] = sum_partials[i] = 0;

#pragma loop_coalesce 2
    for (int n = 0; n < s.outer; n++) {
      for (int i = 0; i < words; i += VECTOR) {
        const int at = (n * s.channels + first) * s.inner + i;
        const int16 here = lane < (int16)(words - i);  // of a row's last vector, what is read beyond the row is left out
        const accumulate16 value = channel_wide(load_vector(b + at, count - at));
        const accumulate16 y = here ? value - centres : (accumulate16)0;
        accumulate16 x = y;
        if (options & CHANNEL_A) x = here ? channel_wide(load_vector(a + at, count - at)) : (accumulate16)0;
        if (options & CHANNEL_NEGATIVE_A) x = x <= (accumulate16)0 ? x : (accumulate16)0;
        const accumulate16 product = product_partials[CHANNEL_PARTIALS - 1] + x * y;
        const accumulate16 sum = sum_partials[CHANNEL_PARTIALS - 1] + y;
#pragma unroll
        for (int j = CHANNEL_PARTIALS - 1; j > 0; j--) {
          product_partials[j] = product_partials[j - 1];
          sum_partials[j] = sum_partials[j - 1];
        }
        product_partials[0] = product;
        sum_partials[0] = sum;
      }
    }
    if (options & CHANNEL_PRODUCTS)
      channel_store_totals(product_partials, s, first, divisor, options & CHANNEL_ADDS_PRODUCTS, products);
    if (options & CHANNEL_SUMS) channel_store_totals(sum_partials, s, first, divisor, options & CHANNEL_ADDS_SUMS, sums);
  }
}
