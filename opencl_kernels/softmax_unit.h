// The kernels of one compute unit of softmax; softmax.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(softmax_forward_, UNIT)(__global const storage* src, __global const storage* restrict labels,
                                           __global storage* dst, __global loss_part* restrict parts, const class_axis a,
                                           const label_rule rule, const lane_range range) {
  __local storage_lanes x[ACC_WORDS];
  loss_part part = {0, 0};

  lane_group at = lane_group_first(a, range);
  for (int group = range.begin; group < range.end; group++) {
    const int_lanes label = rule.has_labels ? class_lanes_labels(labels, at) : (int_lanes)0;
    accumulate_lanes greatest = 0, scale = 0, of_label = NAN;  // NaN it stays where the label is no class

    for (int sweep = SOFTMAX_MAXIMUM; sweep < SOFTMAX_SWEEPS; sweep++) {
      accumulate_lanes partial[CLASS_PARTIALS];
#pragma unroll
      for (int i = 0; i < CLASS_PARTIALS; i++)
        partial[i] = sweep == SOFTMAX_MAXIMUM ? (accumulate_lanes)-INFINITY : (accumulate_lanes)0;

      int offset = at.value;
      for (int first = 0; first < a.classes; first += ACC_WORDS) {
        const int count = min(ACC_WORDS, a.classes - first);
        if (sweep == SOFTMAX_MAXIMUM || a.classes > ACC_WORDS) class_lanes_load(src + offset, a, at, count, x);
#pragma ivdep array(x)
        for (int i = 0; i < count; i++) {
          STEP;
          const accumulate_lanes value = to_accumulate_lanes(x[i]);
          const accumulate_lanes power = exp(value - greatest);
          const accumulate_lanes oldest = partial[CLASS_PARTIALS - 1];
#pragma unroll
          for (int p = CLASS_PARTIALS - 1; p > 0; p--) partial[p] = partial[p - 1];
          partial[0] = sweep == SOFTMAX_MAXIMUM ? (value > oldest ? value : oldest) : oldest + power;
          if (sweep == SOFTMAX_RESULT) {
            const accumulate_lanes result = power * scale;
            of_label = label == (int_lanes)(first + i) ? result : of_label;
            x[i] = to_storage_lanes(result);
          }
        }
        if (sweep == SOFTMAX_RESULT) class_lanes_store(x, dst + offset, a, at, count);
        offset += a.inner == 1 ? ACC_WORDS : ACC_WORDS * a.inner;
      }

      const accumulate_lanes all = class_partials_fold(partial, sweep == SOFTMAX_MAXIMUM);
      if (sweep == SOFTMAX_MAXIMUM) greatest = all;
      if (sweep == SOFTMAX_SUM) scale = softmax_reciprocals(all);
    }

    if (rule.has_labels) {
      const int_lanes counted = class_lanes_counted(label, at, rule);
      part.sum += sum_of_lanes(softmax_losses(of_label, counted));
      part.count -= count_of_lanes(counted);
    }
    at = lane_group_next(at, a, range);
  }
  if (rule.has_labels) parts[UNIT] = part;
}

SINGLE_WORK_ITEM
__kernel void JOIN(softmax_backward_, UNIT)(__global const storage* restrict dst, __global const storage* diff_dst,
                                            __global storage* diff_src, const class_axis a, const lane_range range) {
  __local storage_lanes x[ACC_WORDS];
  __local storage_lanes diff[ACC_WORDS];

  lane_group at = lane_group_first(a, range);
  for (int group = range.begin; group < range.end; group++) {
    accumulate_lanes product = 0;

    for (int sweep = SOFTMAX_SUM; sweep < SOFTMAX_SWEEPS; sweep++) {
      accumulate_lanes partial[CLASS_PARTIALS];
#pragma unroll
      for (int i = 0; i < CLASS_PARTIALS; i++) partial[i] = 0;

      int offset = at.value;
      for (int first = 0; first < a.classes; first += ACC_WORDS) {
        const int count = min(ACC_WORDS, a.classes - first);
        if (sweep == SOFTMAX_SUM || a.classes > ACC_WORDS) {
          class_lanes_load(dst + offset, a, at, count, x);
          class_lanes_load(diff_dst + offset, a, at, count, diff);
        }
#pragma ivdep array(diff)
        for (int i = 0; i < count; i++) {
          STEP;
          const accumulate_lanes value = to_accumulate_lanes(x[i]), of_diff = to_accumulate_lanes(diff[i]);
          const accumulate_lanes oldest = partial[CLASS_PARTIALS - 1];
#pragma unroll
          for (int p = CLASS_PARTIALS - 1; p > 0; p--) partial[p] = partial[p - 1];
          partial[0] = oldest + value * of_diff;
          if (sweep == SOFTMAX_RESULT) diff[i] = to_storage_lanes((of_diff - product) * value);
        }
        if (sweep == SOFTMAX_RESULT) class_lanes_store(diff, diff_src + offset, a, at, count);
        offset += a.inner == 1 ? ACC_WORDS : ACC_WORDS * a.inner;
      }
      if (sweep == SOFTMAX_SUM) product = class_partials_fold(partial, false);
    }
    at = lane_group_next(at, a, range);
  }
}
