// The gradient of a blob with two readers: the sum of theirs. More readers are added two by two, in their order.
//
//   dst[i] = a[i] + b[i]
// a, b, dst: STORAGE, `count` of each; dst may be a. As stock Caffe (src/caffe/layers/split_layer.cpp), to the bit. Build-time
// parameters: LANES, COMPUTE_UNITS, STORAGE.
//
// Initiation interval 1 of a loop over vectors of LANES: nothing is carried from one step to the next. ivdep says so, in the place of
// `restrict`, which work in place would make untrue.
// Device cost a compute unit, estimated: LANES adders, no on-chip memory beyond the buffers of the access units. LANES words a cycle of each
// operand: as fast as external memory. What Intel's compiler makes of it has not been run.
// DSP blocks of split_backward_*: LANES
#include "interface/class_axis.h"
#include "lanes.h"

#define UNIT_BODY "split_unit.h"
#include "each_unit.h"
