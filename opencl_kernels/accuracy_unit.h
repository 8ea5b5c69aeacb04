// The kernels of one compute unit of accuracy; accuracy.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(accuracy_, UNIT)(__global const storage* restrict src, __global const storage* restrict labels,
                                    __global storage* restrict right, __global loss_part* restrict parts, const class_axis a,
                                    const label_rule rule, const int top_k, const int keep_right, const unit_range range) {
  __local storage16 x[ACC_WORDS];
  int right_positions = 0, positions = 0;

  for (int group = range.begin; group < range.end; group++) {
    const lane_group at = lane_group_at(a, group);
    const int16 label = class_lanes_labels(labels, a, at);
    accumulate16 of_label = (accumulate16)-INFINITY;
    int16 others = -1;  // the label's own class is counted too

    for (int sweep = ACCURACY_LABEL; sweep < ACCURACY_SWEEPS; sweep++)
      for (int first = 0; first < a.classes; first += ACC_WORDS) {
        const int count = min(ACC_WORDS, a.classes - first);
        if (sweep == ACCURACY_LABEL || a.classes > ACC_WORDS) class_lanes_load(src, a, at, first, count, x);
        for (int i = 0; i < count; i++) {
          const accumulate16 value = to_accumulate16(x[i]);
          if (sweep == ACCURACY_LABEL) {
            of_label = label == (int16)(first + i) ? value : of_label;
          } else {
            others -= value >= of_label;  // a vector's true is -1
          }
        }
      }

    const int16 counted = class_lanes_counted(label, at, rule);
    const int16 is_right = counted & (others < (int16)top_k);
    right_positions -= count_of_lanes(is_right);
    positions -= count_of_lanes(counted);
    if (keep_right)
      store_vector(counted ? (is_right ? (storage16)1 : (storage16)0) : (storage16)-1, right + lane_group_label(a, at), at.lanes);
  }
  const loss_part part = {right_positions, positions};
  parts[UNIT] = part;
}

SINGLE_WORK_ITEM
__kernel void JOIN(accuracy_per_class_, UNIT)(__global const storage* restrict labels, __global const storage* restrict right,
                                              __global storage* restrict dst, const int positions, const int classes,
                                              const unit_range vectors) {
  for (int vector = vectors.begin; vector < vectors.end; vector++) {
    const int16 of_class = (int16)(vector * VECTOR) + (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    int16 right_positions = 0, all = 0;
    for (int position = 0; position < positions; position++) {
      const int16 here = of_class == (int16)convert_int_rtz(labels[position]);
      const storage is_right = right[position];
      all -= is_right >= 0 ? here : (int16)0;
      right_positions -= is_right > 0 ? here : (int16)0;
    }
    store_vector(accuracy_quotients(right_positions, all), dst + vector * VECTOR, classes - vector * VECTOR);
  }
}
