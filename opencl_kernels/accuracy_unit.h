// The kernels of one compute unit of accuracy; accuracy.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(accuracy_, UNIT)(__global const storage* restrict src, __global const storage* restrict labels,
                                    __global storage* restrict right, __global loss_part* restrict parts, const class_axis a,
                                    const label_rule rule, const int top_k, const int keep_right, const lane_range range) {
  __local storage_lanes x[ACC_WORDS];
  int right_positions = 0, positions = 0, unknown = 0;

  lane_group at = lane_group_first(a, range);
  for (int group = range.begin; group < range.end; group++) {
    const int_lanes label = class_lanes_labels(labels, at);
    accumulate_lanes of_label = (accumulate_lanes)-INFINITY;
    int_lanes others = -1;  // the label's own class is counted too

    for (int sweep = ACCURACY_LABEL; sweep < ACCURACY_SWEEPS; sweep++) {
      int value = at.value;
      for (int first = 0; first < a.classes; first += ACC_WORDS) {
        const int count = min(ACC_WORDS, a.classes - first);
        if (sweep == ACCURACY_LABEL || a.classes > ACC_WORDS) class_lanes_load(src + value, a, at, count, x);
        for (int i = 0; i < count; i++) {
          STEP;
          const accumulate_lanes src_value = to_accumulate_lanes(x[i]);
          if (sweep == ACCURACY_LABEL) {
            of_label = label == (int_lanes)(first + i) ? src_value : of_label;
          } else {
            others -= src_value >= of_label;  // a vector's true is -1
          }
        }
        value += a.inner == 1 ? ACC_WORDS : ACC_WORDS * a.inner;
      }
    }

    const int_lanes counted = class_lanes_counted(label, at, rule);
    const int_lanes known = counted & is_class(label, a);
    const int_lanes is_right = known & (others < (int_lanes)top_k);
    right_positions -= count_of_lanes(is_right);
    positions -= count_of_lanes(counted);
    unknown -= count_of_lanes(counted & ~known);
    if (keep_right)
      store_lanes(known ? (is_right ? (storage_lanes)1 : (storage_lanes)0) : (storage_lanes)-1, right + at.label, at.lanes);
    at = lane_group_next(at, a, range);
  }
  const loss_part part = {unknown ? NAN : right_positions, positions};
  parts[UNIT] = part;
}

SINGLE_WORK_ITEM
__kernel void JOIN(accuracy_per_class_, UNIT)(__global const storage* restrict labels, __global const storage* restrict right,
                                              __global storage* restrict dst, const int positions, const int classes,
                                              const unit_range vectors) {
  for (int vector = vectors.begin; vector < vectors.end; vector++) {
    const int_lanes of_class = (int_lanes)(vector * LANES) + LANE_NUMBERS;
    int_lanes right_positions = 0, all = 0;
    for (int position = 0; position < positions; position++) {
      STEP;
      const int_lanes here = of_class == (int_lanes)convert_int_rtz(load_element(labels + position));
      const storage is_right = load_element(right + position);
      all -= is_right >= 0 ? here : (int_lanes)0;
      right_positions -= is_right > 0 ? here : (int_lanes)0;
    }
    store_lanes(accuracy_quotients(right_positions, all), dst + vector * LANES, classes - vector * LANES);
  }
}
