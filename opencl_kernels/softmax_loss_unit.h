// The kernel of one compute unit of softmax with cross entropy; softmax_loss.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(softmax_loss_backward_, UNIT)(__global const storage* restrict prob, __global const storage* restrict labels,
                                                 __global const storage* restrict weight, __global const float* restrict divisor,
                                                 __global storage* restrict diff_src, const class_axis a, const label_rule rule,
                                                 const unit_range rows) {
  const bool class_a_word = a.inner == 1;
  const int width = class_a_word ? a.classes : a.inner;
  const accumulate scale = nearest_quotient(weight[0], divisor[0]);
  int outer = class_a_word ? rows.begin : rows.begin / a.classes;
  int class_of_row = class_a_word ? 0 : rows.begin % a.classes;

#pragma loop_coalesce 2
  for (int row = rows.begin; row < rows.end; row++) {
    for (int word = 0; word < width; word += VECTOR) {
      const size_t at = (size_t)row * width + word;
      const storage16 read =
          load_vector(labels + (class_a_word ? (size_t)row : (size_t)outer * width + word), class_a_word ? 1 : width - word);
      const int16 label = convert_int16_rtz(class_a_word ? (storage16)read.s0 : read);
      const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
      const int16 of_class = class_a_word ? (int16)word + lane : (int16)class_of_row;
      const accumulate16 probability = to_accumulate16(load_vector(prob + at, width - word));
      const accumulate16 difference = probability - (label == of_class ? (accumulate16)1 : (accumulate16)0);
      const int16 ignored = rule.has_ignored ? label == (int16)rule.ignored : (int16)0;
      store_vector(to_storage16(ignored ? (accumulate16)0 : difference * scale), diff_src + at, width - word);
    }
    if (!class_a_word && ++class_of_row == a.classes) {
      class_of_row = 0;
      outer++;
    }
  }
}
