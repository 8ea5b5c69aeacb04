// The kernel of one compute unit of copies; copy.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(copy_, UNIT)(__global const storage* restrict src, __global storage* restrict dst, const copy_block b,
                                const copy_range vectors) {
  int word = vectors.word, from = vectors.src, to = vectors.dst;
  for (int i = vectors.begin; i < vectors.end; i++) {
    STEP;
    store_lanes(load_lanes(src + from + word, b.run - word), dst + to + word, b.run - word);
    word += LANES;
    if (word >= b.run) {
      word = 0;
      from += b.src_stride;
      to += b.dst_stride;
    }
  }
}
