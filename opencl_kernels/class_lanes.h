// Sixteen positions side by side, one a lane, each with its classes one after the other in an on-chip memory.
//
// Where memory holds the classes of a position side by side (inner == 1), a group is 16 rows, and 16 x 16 blocks are turned on the way;
// else it is 16 neighbouring positions of one image, whose values of a class lie side by side, and nothing is turned. Either way vectors
// are loaded and stored by one access unit, and a sweep over the classes takes 16 positions a step.
// A lane without a position holds zeros and is not stored.
#ifndef BARISTA_CLASS_LANES_H_
#define BARISTA_CLASS_LANES_H_

#include "class_axis.h"
#include "common.h"

#define to_accumulate16 JOIN(convert_, JOIN(ACCUMULATE, 16))
#define to_storage16 JOIN(convert_, JOIN(STORAGE, 16))

// Sums and maxima along the classes are kept in this many partial results, which take turns: an addition may take that many cycles and
// the loop still starts a step a cycle. They are put together in a fixed order.
#define CLASS_PARTIALS 8

// Their sum, or the greatest, one after the other past one adder a lane. They move and the index stays, as it must be a constant for
// registers.
inline accumulate16 class_partials_fold(accumulate16 partial[CLASS_PARTIALS], bool maximum) {
  accumulate16 all = partial[0];
#pragma unroll 1
  for (int i = 1; i < CLASS_PARTIALS; i++) {
#pragma unroll
    for (int p = 0; p < CLASS_PARTIALS - 1; p++) partial[p] = partial[p + 1];
    all = maximum ? (partial[0] > all ? partial[0] : all) : all + partial[0];
  }
  return all;
}

typedef struct {
  int outer, inner;  // of lane 0
  int lanes;         // that have a position
} lane_group;

inline int lane_groups_an_image(const class_axis a) { return (a.inner + VECTOR - 1) / VECTOR; }

inline lane_group lane_group_at(const class_axis a, int group) {
  lane_group at;
  at.outer = a.inner == 1 ? group * VECTOR : group / lane_groups_an_image(a);
  at.inner = a.inner == 1 ? 0 : group % lane_groups_an_image(a) * VECTOR;
  at.lanes = min(VECTOR, a.inner == 1 ? a.outer - at.outer : a.inner - at.inner);
  return at;
}

inline size_t lane_group_label(const class_axis a, const lane_group at) { return (size_t)at.outer * a.inner + at.inner; }

inline size_t lane_group_value(const class_axis a, const lane_group at, int class_) {
  return ((size_t)at.outer * a.classes + class_) * a.inner + at.inner;
}

// Values that the vector number `i` of a block has: a row's classes, or a class's positions.
inline int lane_block_words(const class_axis a, const lane_group at, int i, int classes_left) {
  if (a.inner == 1) return i < at.lanes ? classes_left : 0;
  return i < classes_left ? at.lanes : 0;
}

// x[k] = class first + k of every lane, for `count` classes.
inline void class_lanes_load(__global const storage* restrict from, const class_axis a, const lane_group at, int first, int count,
                             __local storage16* restrict x) {
  const size_t stride = a.inner == 1 ? a.classes : a.inner;
  for (int word = 0; word < count; word += VECTOR) {
    const size_t begin = lane_group_value(a, at, first + word);
    storage16 block[VECTOR];
#pragma unroll 1
    for (int i = 0; i < VECTOR; i++) block[i] = load_vector(from + begin + i * stride, lane_block_words(a, at, i, count - word));
    if (a.inner == 1) transpose16(block);
#pragma unroll 1
    for (int i = 0; i < min(VECTOR, count - word); i++) x[word + i] = block[i];
  }
}

inline void class_lanes_store(__local const storage16* restrict x, __global storage* restrict to, const class_axis a,
                              const lane_group at, int first, int count) {
  const size_t stride = a.inner == 1 ? a.classes : a.inner;
  for (int word = 0; word < count; word += VECTOR) {
    const size_t begin = lane_group_value(a, at, first + word);
    storage16 block[VECTOR];
#pragma unroll 1
    for (int i = 0; i < VECTOR; i++) block[i] = word + i < count ? x[word + i] : (storage16)0;
    if (a.inner == 1) transpose16(block);
#pragma unroll 1
    for (int i = 0; i < VECTOR; i++) store_vector(block[i], to + begin + i * stride, lane_block_words(a, at, i, count - word));
  }
}

// Labels of a group as whole numbers, 0 in lanes without a position.
inline int16 class_lanes_labels(__global const storage* restrict labels, const class_axis a, const lane_group at) {
  return convert_int16_rtz(load_vector(labels + lane_group_label(a, at), at.lanes));
}

// -1 (true) in the lanes whose label counts.
inline int16 class_lanes_counted(int16 label, const lane_group at, const label_rule rule) {
  const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const int16 present = lane < (int16)at.lanes;
  return rule.has_ignored ? present & (label != (int16)rule.ignored) : present;
}

#endif  // BARISTA_CLASS_LANES_H_
