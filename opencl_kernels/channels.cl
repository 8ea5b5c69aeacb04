// Blobs with numbers of each channel, and sums over all of a channel: what Scale, Bias, BatchNorm and PReLU's slopes are made of.
//
//   channel_affine_*:  dst[n][c][i]  = (src[n][c][i] - centre[c] - other[n][c][i] * slope[c]) * scale[c] + shift[c]
//                      kept[n][c][i] = src[n][c][i] as it was, or dst[n][c][i], for who works in place or is followed by one who does
//   channel_sums_*:    products[c]   = (sum over n, i of x * y) / divisor, or that added to products[c]
//                      sums[c]       = (sum over n, i of y) / divisor, or that added to sums[c]
//                      where y = b[n][c][i] - centre[c] and x = a[n][c][i], or that * (a[n][c][i] <= 0), so NaN of NaN and of infinity;
//                      without an a, x = y
//
// src, other, dst, kept, a, b [outer][channels][inner], the rest [channels], all STORAGE. channel_shape.h says which of them are there;
// of those that are not, scale is 1 and all others are 0. dst may be src or other. Build-time parameters: LANES, COMPUTE_UNITS, STORAGE,
// ACCUMULATE.
//
// A row is what shares the numbers of a channel: a plane of one image (channel_affine_*) or of all images (channel_sums_*), LANES
// neighbours a step. Where inner is 1, neighbours are channels: a row is LANES channels of all images, one a lane, and each lane has
// numbers of its own. So a blob of single values a channel still moves LANES words a step. Where rows begin is counted by the host, and on
// from there by additions.
//
// Initiation interval 1 of the loops over vectors: channel_affine_* carries nothing from one step to the next; ivdep says so, in the
// place of `restrict`, which work in place would make untrue. channel_sums_* takes a sum up again CHANNEL_PARTIALS steps later, more
// than an addition takes, out of a shift register; at the end of a row these partial sums are added one after the other, in one order
// on every run. In between the pipeline may empty: rows of a few vectors cost more than their words.
//
// Device cost a compute unit, estimated. channel_affine_*: 6 loads and 2 stores of LANES words (4 of the loads once a row), LANES adders, 2 *
// LANES multiply-adds. channel_sums_*: 3 loads of LANES words (one of them once a row), a load and a store of a word, 3 * LANES adders or
// multiply-adds in the loop, 2 * LANES + 5 and a divider for the totals, 2 x CHANNEL_PARTIALS x LANES words of registers. No on-chip memory beyond the buffers of
// the access units. A plane's last vector may be ragged (it is read whole, where that is within the buffer, and used and stored in part):
// LANES words a cycle for large planes, `inner` for those of fewer. What Intel's compiler makes of it has not been run.
// DSP blocks of channel_affine_*: LANES * 3
// DSP blocks of channel_sums_*: LANES * 3 + LANES + LANES - 1 + 1 + 5 + FUNCTION
#include "arithmetic.h"
#include "interface/channel_shape.h"
#include "interface/class_axis.h"
#include "lanes.h"

#define CHANNEL_PARTIALS 8

// Words of a row that lie side by side.
inline int channel_words(const channel_shape s, int first) { return s.inner == 1 ? min(LANES, s.channels - first) : s.inner; }

// The number of each lane's channel: `first` is the channel of all lanes or, where inner is 1, of the first.
inline accumulate_lanes channel_numbers(__global const storage* numbers, const channel_shape s, int first, bool present,
                                        accumulate otherwise) {
  accumulate_lanes value = otherwise;
  if (present) {
    value = to_accumulate_lanes(load_lanes(numbers + first, s.channels - first));
    if (s.inner != 1) value = (accumulate_lanes)value.s0;
  }
  return value;
}

// Writes a row's totals: those of its lanes where inner is 1, else one.
inline void channel_store_totals(const accumulate_lanes partials[CHANNEL_PARTIALS], const channel_shape s, int first, float divisor,
                                 bool adds, __global storage* to) {
  accumulate_lanes all = partials[0];
#pragma unroll 1
  for (int i = 1; i < CHANNEL_PARTIALS; i++) {
    STEP;
    all += partials[i];
  }
  if (s.inner != 1) all = (accumulate_lanes)sum_of_lanes(all);
  accumulate total[LANES];
  vstore_lanes(all, 0, total);
  const int totals = s.inner == 1 ? channel_words(s, first) : 1;
#pragma unroll 1
  for (int i = 0; i < totals; i++) {
    STEP;
    accumulate before = 0;
    if (adds) before = load_element(to + first + i);
    store_element(before + nearest_quotient(total[i], divisor), to + first + i);
  }
}

#define UNIT_BODY "channels_unit.h"
#include "each_unit.h"
