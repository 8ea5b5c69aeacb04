// The kernel of one compute unit of copies; copy.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(copy_, UNIT)(__global const storage* restrict src, __global storage* restrict dst, const copy_block b,
                                const unit_range vectors) {
  const int vectors_a_row = (b.run + VECTOR - 1) / VECTOR;
  size_t row = vectors.begin / vectors_a_row;
  int word = vectors.begin % vectors_a_row * VECTOR;

  for (int i = vectors.begin; i < vectors.end; i++) {
    const storage16 value = load_vector(src + b.src_offset + row * b.src_stride + word, b.run - word);
    store_vector(value, dst + b.dst_offset + row * b.dst_stride + word, b.run - word);
    word += VECTOR;
    if (word >= b.run) {
      word = 0;
      row++;
    }
  }
}
