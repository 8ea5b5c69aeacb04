// What the host tells kernels that work along an axis of classes (softmax, its loss, accuracy) and kernels that sum up a loss.
//
// Included by the kernels and by caffe_layers/ops/, so it is plain C. A *position* is a place for which there is one value a class and
// at most one label: outer * inner of them. Values lie as [outer][classes][inner], labels as [outer][inner].
#ifndef BARISTA_CLASS_AXIS_H_
#define BARISTA_CLASS_AXIS_H_

typedef struct {
  int outer, classes, inner;
} class_axis;

// Which labels count. Labels are kept as numbers and cut to whole ones, as in stock Caffe.
typedef struct {
  int has_labels;  // 0: there are none, no loss is wanted
  int has_ignored;
  int ignored;  // positions with this label are left out
} label_rule;

// What a compute unit found: a sum, and how many values went into it.
typedef struct {
  float sum;
  int count;
} loss_part;

// Groups, rows or vectors that a compute unit does.
typedef struct {
  int begin, end;
} unit_range;

#endif  // BARISTA_CLASS_AXIS_H_
