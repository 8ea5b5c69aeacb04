// The kernels of one compute unit of sigmoid cross entropy; sigmoid_cross_entropy_loss.cl includes it once a unit, with UNIT set.
SINGLE_WORK_ITEM
__kernel void JOIN(sigmoid_cross_entropy_loss_forward_,
                   UNIT)(__global const storage* restrict src, __global const storage* restrict target,
                         __global storage* restrict sigmoid, __global loss_part* restrict parts, const label_rule rule,
                         const int count, const unit_range vectors) {
  loss_part part = {0, 0};
  for (int i = vectors.begin * VECTOR; i < min(count, vectors.end * VECTOR); i += VECTOR) {
    accumulate x[VECTOR], t[VECTOR], y[VECTOR], term[VECTOR];
    int counted[VECTOR];
    vstore16(to_accumulate16(load_vector(src + i, count - i)), 0, x);
    vstore16(to_accumulate16(load_vector(target + i, count - i)), 0, t);
#pragma unroll 4
    for (int lane = 0; lane < VECTOR; lane++) {
      const accumulate positive = x[lane] >= 0 ? 1 : 0;
      const accumulate power = exp(-fabs(x[lane]));
      counted[lane] = lane < count - i && !(rule.has_ignored && convert_int_rtz(t[lane]) == rule.ignored);
      y[lane] = (x[lane] >= 0 ? 1 : power) / (1 + power);
      term[lane] = counted[lane] ? log(1 + power) - x[lane] * (t[lane] - positive) : 0;
    }
    store_vector(to_storage16(vload16(0, y)), sigmoid + i, count - i);
    part.sum += sum_of_lanes(vload16(0, term));
    part.count += count_of_lanes(vload16(0, counted));
  }
  parts[UNIT] = part;
}

SINGLE_WORK_ITEM
__kernel void JOIN(sigmoid_cross_entropy_loss_backward_,
                   UNIT)(__global const storage* restrict sigmoid, __global const storage* restrict target,
                         __global const storage* restrict weight, __global const float* restrict divisor,
                         __global storage* restrict diff_src, const label_rule rule, const int count, const unit_range vectors) {
  const accumulate scale = nearest_quotient(weight[0], divisor[0]);
  for (int i = vectors.begin * VECTOR; i < min(count, vectors.end * VECTOR); i += VECTOR) {
    const storage16 of_target = load_vector(target + i, count - i);
    const int16 ignored = rule.has_ignored ? convert_int16_rtz(of_target) == (int16)rule.ignored : (int16)0;
    const accumulate16 difference = to_accumulate16(load_vector(sigmoid + i, count - i)) - to_accumulate16(of_target);
    store_vector(to_storage16(ignored ? (accumulate16)0 : difference * scale), diff_src + i, count - i);
  }
}
