// The kernel of one compute unit of softmax with cross entropy; softmax_loss.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(softmax_loss_backward_, UNIT)(__global const storage* restrict prob, __global const storage* restrict labels,
                                                 __global const storage* restrict weight, __global const float* restrict divisor,
                                                 __global storage* restrict diff_src, const class_axis a, const label_rule rule,
                                                 const class_rows rows) {
  const bool class_a_word = a.inner == 1;
  const int width = class_a_word ? a.classes : a.inner;
  const accumulate scale = nearest_quotient(load_element(weight), divisor[0]);
  int at = rows.value, label_row = rows.label, class_of_row = rows.class_;

#pragma loop_coalesce 2
  for (int row = rows.begin; row < rows.end; row++) {
    for (int word = 0; word < width; word += LANES) {
      STEP;
      const storage_lanes read = load_lanes(labels + label_row + (class_a_word ? 0 : word), class_a_word ? 1 : width - word);
      const int_lanes label = whole_labels(class_a_word ? (storage_lanes)read.s0 : read);
      const int_lanes of_class = class_a_word ? (int_lanes)word + LANE_NUMBERS : (int_lanes)class_of_row;
      const accumulate_lanes probability = to_accumulate_lanes(load_lanes(prob + at + word, width - word));
      const accumulate_lanes one = label == of_class ? (accumulate_lanes)1 : (accumulate_lanes)0;
      const accumulate_lanes difference = is_class(label, a) ? probability - one : (accumulate_lanes)NAN;
      const int_lanes ignored = rule.has_ignored ? label == (int_lanes)rule.ignored : (int_lanes)0;
      store_lanes(to_storage_lanes((ignored ? (accumulate_lanes)0 : difference) * scale), diff_src + at + word, width - word);
    }
    at += width;
    if (class_a_word) {
      label_row++;
    } else if (++class_of_row == a.classes) {
      class_of_row = 0;
      label_row += width;
    }
  }
}
