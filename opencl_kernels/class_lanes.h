// LANES positions side by side, one a lane, each with its classes one after the other in an on-chip memory.
//
// Where memory holds the classes of a position side by side (inner == 1), a group is LANES rows, and LANES x LANES blocks are turned on
// the way; else it is LANES neighbouring positions of one image, whose values of a class lie side by side, and nothing is turned. Either
// way vectors are loaded and stored by one access unit, and a sweep over the classes takes LANES positions a step.
// A lane without a position holds zeros and is not stored.
#ifndef BARISTA_CLASS_LANES_H_
#define BARISTA_CLASS_LANES_H_

#include "interface/class_axis.h"
#include "lanes.h"

// Sums and maxima along the classes are kept in this many partial results, which take turns: an addition may take that many cycles and
// the loop still starts a step a cycle. They are put together in a fixed order.
#define CLASS_PARTIALS 8

// Their sum, or the greatest, one after the other past one adder a lane. They move and the index stays, as it must be a constant for
// registers.
inline accumulate_lanes class_partials_fold(accumulate_lanes partial[CLASS_PARTIALS], bool maximum) {
  accumulate_lanes all = partial[0];
#pragma unroll 1
  for (int i = 1; i < CLASS_PARTIALS; i++) {
    STEP;
#pragma unroll
    for (int p = 0; p < CLASS_PARTIALS - 1; p++) partial[p] = partial[p + 1];
    all = maximum ? (partial[0] > all ? partial[0] : all) : all + partial[0];
  }
  return all;
}

// The words of a blob are counted in an int, and so are offsets.
typedef struct {
  int inner;         // of lane 0, in its image
  int label, value;  // offsets of lane 0's label, and of its value of class 0
  int stride;        // from a row, or a class, to the next
  int lanes;         // that have a position
} lane_group;

inline int lane_group_lanes(const class_axis a, const lane_group at) {
  return min(LANES, a.inner == 1 ? a.outer - at.label : a.inner - at.inner);
}

inline lane_group lane_group_first(const class_axis a, const lane_range range) {
  lane_group at = {range.inner, range.label, range.value, a.inner == 1 ? a.classes : a.inner, 0};
  at.lanes = lane_group_lanes(a, at);
  return at;
}

inline lane_group lane_group_next(lane_group at, const class_axis a, const lane_range range) {
  const bool image_ends = at.inner + LANES >= a.inner;
  at.label += a.inner == 1 ? LANES : at.lanes;
  at.value += a.inner == 1 ? LANES * a.classes : (image_ends ? range.image - at.inner : LANES);
  at.inner = image_ends ? 0 : at.inner + LANES;
  at.lanes = lane_group_lanes(a, at);
  return at;
}

// Values that the vector number `i` of a block has: a row's classes, or a class's positions.
inline int lane_block_words(const class_axis a, const lane_group at, int i, int classes_left) {
  if (a.inner == 1) return i < at.lanes ? classes_left : 0;
  return i < classes_left ? at.lanes : 0;
}

// x[k] = class first + k of every lane, for `count` classes; `from` is where class `first` of lane 0 lies.
inline void class_lanes_load(__global const storage* restrict from, const class_axis a, const lane_group at, int count,
                             __local storage_lanes* restrict x) {
  int begin = 0;
  for (int word = 0; word < count; word += LANES) {
    storage_lanes block[LANES];
    int offset = begin;
#pragma unroll 1
    for (int i = 0; i < LANES; i++) {
      STEP;
      block[i] = load_lanes(from + offset, lane_block_words(a, at, i, count - word));
      offset += at.stride;
    }
    if (a.inner == 1) turn_lanes(block);
#pragma unroll 1
    for (int i = 0; i < min(LANES, count - word); i++) {
      STEP;
      x[word + i] = block[i];
    }
    begin = a.inner == 1 ? begin + LANES : offset;
  }
}

inline void class_lanes_store(__local const storage_lanes* restrict x, __global storage* restrict to, const class_axis a,
                              const lane_group at, int count) {
  int begin = 0;
  for (int word = 0; word < count; word += LANES) {
    storage_lanes block[LANES];
#pragma unroll 1
    for (int i = 0; i < LANES; i++) {
      STEP;
      block[i] = word + i < count ? x[word + i] : (storage_lanes)0;
    }
    if (a.inner == 1) turn_lanes(block);
    int offset = begin;
#pragma unroll 1
    for (int i = 0; i < LANES; i++) {
      STEP;
      store_lanes(block[i], to + offset, lane_block_words(a, at, i, count - word));
      offset += at.stride;
    }
    begin = a.inner == 1 ? begin + LANES : offset;
  }
}

// Labels cut to whole numbers; what an int can't hold, and a NaN, is INT_MIN, which no class has.
inline int_lanes whole_labels(storage_lanes labels) {
  const accumulate_lanes limit = 0x1p31f;
  return fabs(to_accumulate_lanes(labels)) < limit ? to_int_lanes(labels) : (int_lanes)INT_MIN;
}

// Labels of a group as whole numbers, 0 in lanes without a position.
inline int_lanes class_lanes_labels(__global const storage* restrict labels, const lane_group at) {
  return whole_labels(load_lanes(labels + at.label, at.lanes));
}

// -1 (true) in the lanes whose label is a class.
inline int_lanes is_class(int_lanes label, const class_axis a) { return (label >= 0) & (label < (int_lanes)a.classes); }

// -1 (true) in the lanes whose label counts.
inline int_lanes class_lanes_counted(int_lanes label, const lane_group at, const label_rule rule) {
  const int_lanes present = LANE_NUMBERS < (int_lanes)at.lanes;
  return rule.has_ignored ? present & (label != (int_lanes)rule.ignored) : present;
}

#endif  // BARISTA_CLASS_LANES_H_
