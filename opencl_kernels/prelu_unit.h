// The kernel of one compute unit of PReLU's slopes; prelu.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(prelu_slopes_, UNIT)(__global const storage* restrict src, __global const storage* restrict diff_dst,
                                        __global storage* restrict diff_slopes, const int images, const int channels,
                                        const int elements, const int channel_begin, const int channel_end) {
  for (int current = channel_begin; current < channel_end; current++) {
    accumulate16 sums[PRELU_SUMS];
#pragma unroll
    for (int i = 0; i < PRELU_SUMS; i++) sums[i] = 0;

#pragma loop_coalesce 2
    for (int image = 0; image < images; image++) {
      for (int i = 0; i < elements; i += VECTOR) {
        const size_t at = ((size_t)image * channels + current) * elements + i;
        const accumulate16 terms = prelu_slope_terms(load_vector(src + at, elements - i), load_vector(diff_dst + at, elements - i));
        const accumulate16 sum = sums[PRELU_SUMS - 1] + terms;
#pragma unroll
        for (int j = PRELU_SUMS - 1; j > 0; j--) sums[j] = sums[j - 1];
        sums[0] = sum;
      }
    }
    diff_slopes[current] += prelu_total(sums);
  }
}
