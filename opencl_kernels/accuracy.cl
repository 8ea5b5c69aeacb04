// Top-k accuracy along an axis of classes: over all positions, and for each class.
//
//   right[p]     = (number of classes k with src[k][p] >= src[label[p]][p]) - 1 < top_k
//   part         = number of right positions, and of all that are not ignored
//   per class:   dst[c] = right positions with label c / positions with label c, 0 where there are none
//
// src STORAGE [outer][classes][inner], labels STORAGE [outer][inner] (class_axis.h), right STORAGE [outer][inner] (1, 0, and -1 where
// ignored; written where classes are asked for). As stock Caffe (src/caffe/layers/accuracy_layer.cpp), a NaN included; a label that is no
// class has the value -infinity. loss.cl makes the quotient of the parts.
//
// Sixteen positions at once (class_lanes.h), whose classes are swept twice: find the label's value, count what is not below it.
// Accuracies of 16 classes at once are a sweep over all positions each, so nothing is scattered and there may be any number of classes.
//
// Build-time parameters: ACC_WORDS, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1: what is carried from step to step is a multiplexer or an addition of whole numbers, one cycle.
// Device cost a compute unit, estimated: one memory of 16 lanes x ACC_WORDS words (at 1,024 words 32 blocks of 512 x 40 bits), 64
// comparators, 48 counters, one divider, 2 x 2 x 16 x 16 words of registers for turning. A group of C classes takes about 3 C cycles,
// 16 classes of P positions P. It loads 16 words a cycle of src, and of each position's label and verdict one word each.
// What Intel's compiler makes of it has not been run.
// DSP blocks of accuracy_*: 0
// DSP blocks of accuracy_per_class_*: 5 + FUNCTION
#include "arithmetic.h"
#include "class_lanes.h"

enum { ACCURACY_LABEL, ACCURACY_COUNT, ACCURACY_SWEEPS };

inline storage16 accuracy_quotients(int16 right, int16 all) {
  int numerator[VECTOR], denominator[VECTOR];
  storage single[VECTOR];
  vstore16(right, 0, numerator);
  vstore16(all, 0, denominator);
#pragma unroll 1
  for (int lane = 0; lane < VECTOR; lane++)
    single[lane] = nearest_quotient((float)numerator[lane], (float)max(1, denominator[lane]));
  return vload16(0, single);
}

#define UNIT_BODY "accuracy_unit.h"
#include "each_unit.h"
