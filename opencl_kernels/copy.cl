// Copies of rows: what concatenation and slicing are made of.
//
//   dst[dst_offset + r * dst_stride + k] = src[src_offset + r * src_stride + k]   for r < rows, k < run
// src, dst STORAGE. Build-time parameters: COMPUTE_UNITS, STORAGE.
//
// Initiation interval 1: one loop over vectors of 16, of all rows; its counters are all that it carries. 16 words a cycle where runs are
// long; a run's last vector may be ragged.
// Device cost a compute unit, estimated: the buffers of two access units that need not be aligned, no on-chip memory beyond them. What
// Intel's compiler makes of it has not been run.
// DSP blocks of copy_*: 0
#include "class_axis.h"
#include "common.h"
#include "copy_block.h"

#define UNIT_BODY "copy_unit.h"
#include "each_unit.h"
