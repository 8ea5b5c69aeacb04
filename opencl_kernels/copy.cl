// Copies of rows: what concatenation and slicing are made of.
//
//   dst[dst_offset + r * dst_stride + k] = src[src_offset + r * src_stride + k]   for r < rows, k < run
// src, dst STORAGE. Build-time parameters: LANES, COMPUTE_UNITS, STORAGE.
//
// Initiation interval 1: one loop over vectors of LANES, of all rows; its counters are all that it carries, and the host says where they
// start. LANES words a cycle where runs are long; a run's last vector may be ragged.
// Device cost a compute unit, estimated: the buffers of two access units that need not be aligned, no on-chip memory beyond them. What
// Intel's compiler makes of it has not been run.
// DSP blocks of copy_*: 0
#include "interface/copy_block.h"
#include "lanes.h"

#define UNIT_BODY "copy_unit.h"
#include "each_unit.h"
