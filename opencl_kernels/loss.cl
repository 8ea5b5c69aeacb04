// The last step of a loss or an accuracy: the sums of the compute units, put together and divided.
//
//   divisor[0] = fixed > 0 ? fixed : max(1, sum over units of their counts)
//   dst[0]     = (sum over units of their sums) / divisor[0]
//
// parts: what each unit found, divisor: one float, which the backward pass divides by too, dst: one STORAGE. Units are added in their
// order: same recipe, same bits. Build-time parameters: COMPUTE_UNITS, STORAGE.
//
// Once a forward pass, a few dozen cycles, and the reason why the host reads one number a loss. Its loop adds up as many floats as there
// are units and waits for each addition: its initiation interval is an addition's latency, and need not be shorter.
// Device cost, once and not a compute unit: one adder, one divider, no on-chip memory; 2 words a cycle at most. What Intel's compiler makes
// of it has not been run.
// DSP blocks of loss_finish: 1 + 5 + FUNCTION
#include "arithmetic.h"
#include "interface/class_axis.h"

SINGLE_WORK_ITEM
__kernel void loss_finish(__global const loss_part* restrict parts, __global float* restrict divisor,
                          __global storage* restrict dst, const int units, const float fixed) {
  float sum = 0;
  int count = 0;
  for (int unit = 0; unit < units; unit++) {
    STEP;
    sum += parts[unit].sum;
    count += parts[unit].count;
  }
  const float by = fixed > 0 ? fixed : (float)max(1, count);
  divisor[0] = by;
  store_element(nearest_quotient(sum, by), dst);
}
