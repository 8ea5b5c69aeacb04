// Top-k accuracy along an axis of classes: over all positions, and for each class.
//
//   right[p]     = (number of classes k with src[k][p] >= src[label[p]][p]) - 1 < top_k
//   part         = number of right positions, NaN where a label that is not ignored is no class, and of all that are not ignored
//   per class:   dst[c] = right positions with label c / positions with label c, 0 where there are none
//
// src STORAGE [outer][classes][inner], labels STORAGE [outer][inner] (class_axis.h), right STORAGE [outer][inner] (1, 0, and -1 where
// ignored or no class; written where classes are asked for). As stock Caffe (src/caffe/layers/accuracy_layer.cpp), a NaN in src included.
// loss.cl makes the quotient of the parts.
//
// LANES positions at once (class_lanes.h), whose classes are swept twice: find the label's value, count what is not below it.
// Accuracies of LANES classes at once are a sweep over all positions each, so nothing is scattered and there may be any number of classes.
//
// Build-time parameters: ACC_WORDS, LANES, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Initiation interval 1: what is carried from step to step is a multiplexer or an addition of whole numbers, one cycle.
// Device cost a compute unit, estimated: one memory of LANES lanes x ACC_WORDS words (16 of 1,024 words are 32 blocks of 512 x 40
// bits), 4 * LANES comparators, 3 * LANES counters, one divider, 2 x 2 x LANES x LANES words of registers for turning. A group of C classes
// takes about 3 C cycles, LANES classes of P positions P. It loads LANES words a cycle of src, and of each position's label and verdict one
// word each.
// What Intel's compiler makes of it has not been run.
// DSP blocks of accuracy_*: 0
// DSP blocks of accuracy_per_class_*: 5 + FUNCTION
#include "arithmetic.h"
#include "class_lanes.h"

enum { ACCURACY_LABEL, ACCURACY_COUNT, ACCURACY_SWEEPS };

inline storage_lanes accuracy_quotients(int_lanes right, int_lanes all) {
  int numerator[LANES], denominator[LANES];
  storage single[LANES];
  vstore_lanes(right, 0, numerator);
  vstore_lanes(all, 0, denominator);
#pragma unroll 1
  for (int lane = 0; lane < LANES; lane++) {
    STEP;
    single[lane] = nearest_quotient((float)numerator[lane], (float)max(1, denominator[lane]));
  }
  return vload_lanes(0, single);
}

#define UNIT_BODY "accuracy_unit.h"
#include "each_unit.h"
