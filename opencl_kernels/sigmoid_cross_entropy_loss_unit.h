// The kernels of one compute unit of sigmoid cross entropy; sigmoid_cross_entropy_loss.cl includes it once a unit, with UNIT set.
SINGLE_WORK_ITEM
__kernel void JOIN(sigmoid_cross_entropy_loss_forward_,
                   UNIT)(__global const storage* restrict src, __global const storage* restrict target,
                         __global storage* restrict sigmoid, __global loss_part* restrict parts, const label_rule rule,
                         const int count, const unit_range vectors) {
  loss_part part = {0, 0};
  for (int i = vectors.begin * LANES; i < min(count, vectors.end * LANES); i += LANES) {
    accumulate x[LANES], t[LANES], y[LANES], term[LANES];
    int counted[LANES];
    vstore_lanes(to_accumulate_lanes(load_lanes(src + i, count - i)), 0, x);
    vstore_lanes(to_accumulate_lanes(load_lanes(target + i, count - i)), 0, t);
#pragma unroll SIGMOID_LANES
    for (int lane = 0; lane < LANES; lane++) {
      STEP_OF(lane, SIGMOID_LANES);
      const accumulate positive = x[lane] >= 0 ? 1 : 0;
      const accumulate power = exp(-fabs(x[lane]));
      counted[lane] = lane < count - i && !(rule.has_ignored && convert_int_rtz(t[lane]) == rule.ignored);
      y[lane] = (x[lane] >= 0 ? 1 : power) / (1 + power);
      // Stock Caffe takes 2 * src, or 0 * src, from src: of an infinite one the loss is no number.
      const accumulate loss = isfinite(x[lane]) ? log(1 + power) - x[lane] * (t[lane] - positive) : NAN;
      term[lane] = counted[lane] ? loss : 0;
    }
    store_lanes(to_storage_lanes(vload_lanes(0, y)), sigmoid + i, count - i);
    part.sum += sum_of_lanes(vload_lanes(0, term));
    part.count += count_of_lanes(vload_lanes(0, counted));
  }
  parts[UNIT] = part;
}

SINGLE_WORK_ITEM
__kernel void JOIN(sigmoid_cross_entropy_loss_backward_,
                   UNIT)(__global const storage* restrict sigmoid, __global const storage* restrict target,
                         __global const storage* restrict weight, __global const float* restrict divisor,
                         __global storage* restrict diff_src, const label_rule rule, const int count, const unit_range vectors) {
  const accumulate scale = nearest_quotient(load_element(weight), divisor[0]);
  for (int i = vectors.begin * LANES; i < min(count, vectors.end * LANES); i += LANES) {
    STEP;
    const storage_lanes of_target = load_lanes(target + i, count - i);
    const int_lanes ignored = rule.has_ignored ? to_int_lanes(of_target) == (int_lanes)rule.ignored : (int_lanes)0;
    const accumulate_lanes difference = to_accumulate_lanes(load_lanes(sigmoid + i, count - i)) - to_accumulate_lanes(of_target);
    store_lanes(to_storage_lanes((ignored ? (accumulate_lanes)0 : difference) * scale), diff_src + i, count - i);
  }
}
