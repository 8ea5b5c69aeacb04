// What the host tells kernels that work along an axis of classes (softmax, its loss, accuracy) and kernels that sum up a loss.
//
// Plain C, compiled by kernels and host. A *position* is a place for which there is one value a class and
// at most one label: outer * inner of them. Values lie as [outer][classes][inner], labels as [outer][inner].
#ifndef BARISTA_CLASS_AXIS_H_
#define BARISTA_CLASS_AXIS_H_

#include "interface/words.h"

typedef struct {
  int outer, classes, inner;
} class_axis;
INTERFACE_WORDS(class_axis, 3);

// Which labels count. Labels are kept as numbers and cut to whole ones, as in stock Caffe.
typedef struct {
  int has_labels;  // 0: there are none, no loss is wanted
  int has_ignored;
  int ignored;  // positions with this label are left out
} label_rule;
INTERFACE_WORDS(label_rule, 3);

// What a compute unit found: a sum, and how many values went into it.
typedef struct {
  float sum;
  int count;
} loss_part;
INTERFACE_WORDS(loss_part, 2);

// Groups, rows or vectors that a compute unit does.
typedef struct {
  int begin, end;
} unit_range;
INTERFACE_WORDS(unit_range, 2);

// Groups of LANES positions that a compute unit does, rows where inner is 1, else positions of one image; and of the first group's lane 0 the
// position in its image, and the offsets of its label and of its value of class 0.
typedef struct {
  int begin, end;
  int inner, label, value;
  int image;  // values from an image to the next
} lane_range;
INTERFACE_WORDS(lane_range, 6);

// Rows of a blob that a compute unit does, a position's classes where inner is 1, else a class's positions; and of the first its class, its
// offset and its label's.
typedef struct {
  int begin, end;
  int class_, value, label;
} class_rows;
INTERFACE_WORDS(class_rows, 5);

#endif  // BARISTA_CLASS_AXIS_H_
