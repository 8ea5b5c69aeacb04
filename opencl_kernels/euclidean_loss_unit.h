// The kernels of one compute unit of the Euclidean loss; euclidean_loss.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(euclidean_loss_forward_, UNIT)(__global const storage* restrict src, __global const storage* restrict target,
                                                  __global storage* restrict difference, __global loss_part* restrict parts,
                                                  const int count, const unit_range vectors) {
  accumulate_lanes partial[CLASS_PARTIALS];
#pragma unroll
  for (int p = 0; p < CLASS_PARTIALS; p++) partial[p] = 0;

  for (int i = vectors.begin * LANES; i < min(count, vectors.end * LANES); i += LANES) {
    STEP;
    const accumulate_lanes apart =
        to_accumulate_lanes(load_lanes(src + i, count - i)) - to_accumulate_lanes(load_lanes(target + i, count - i));
    store_lanes(to_storage_lanes(apart), difference + i, count - i);
    const accumulate_lanes oldest = partial[CLASS_PARTIALS - 1];
#pragma unroll
    for (int p = CLASS_PARTIALS - 1; p > 0; p--) partial[p] = partial[p - 1];
    partial[0] = oldest + apart * apart;
  }

  const loss_part part = {sum_of_lanes(class_partials_fold(partial, false)), 0};
  parts[UNIT] = part;
}

SINGLE_WORK_ITEM
__kernel void JOIN(euclidean_loss_backward_, UNIT)(__global const storage* restrict difference,
                                                   __global const storage* restrict weight, __global storage* restrict diff_src,
                                                   const int count, const float divisor, const unit_range vectors) {
  const accumulate scale = nearest_quotient(load_element(weight), divisor);
  for (int i = vectors.begin * LANES; i < min(count, vectors.end * LANES); i += LANES) {
    STEP;
    store_lanes(to_storage_lanes(to_accumulate_lanes(load_lanes(difference + i, count - i)) * scale), diff_src + i, count - i);
  }
}
