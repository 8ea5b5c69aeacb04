// The kernel of one compute unit of split; split.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(split_backward_, UNIT)(__global const storage* a, __global const storage* b, __global storage* dst,
                                          const int count, const unit_range vectors) {
#pragma ivdep
  for (int i = vectors.begin * LANES; i < min(count, vectors.end * LANES); i += LANES) {
    STEP;
    store_lanes(load_lanes(a + i, count - i) + load_lanes(b + i, count - i), dst + i, count - i);
  }
}
