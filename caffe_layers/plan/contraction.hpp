// What the PE array computes: sums of products over a source image.
//
// Every pass of convolution and inner product is one of two contractions:
//   outputs:  dst[n][o][p][q] (+ bias[o]) = sum over c, r, s of src[n][c][origin_h + p*step_h + r*tap_h][...] * weights[o][c][r][s]
//   weights:  diff_weights[o][c][r][s]    = sum over n, p, q of the same source element * diff_dst[n][o][p][q]
#ifndef BARISTA_PLAN_CONTRACTION_HPP_
#define BARISTA_PLAN_CONTRACTION_HPP_

#include <string>
#include <vector>

namespace barista::plan {

// One dimension (height or width) of a contraction.
struct Axis {
  int source;        // rows of the source
  int outputs;       // outputs along this axis
  int taps;          // kernel positions
  int origin;        // source row of output 0 and tap 0; negative inside the padding
  int output_step;   // source rows between outputs (the stride)
  int tap_step;      // source rows between taps (the dilation)
  int plane;         // rows of dst's plane
  int plane_origin;  // row of dst's plane that output 0 is
  int plane_step;    // rows of dst's plane between outputs
};

// Pairs of an output and a tap whose source row exists.
inline int products(const Axis& axis) {
  int count = 0;
  for (int tap = 0; tap < axis.taps; tap++)
    for (int output = 0; output < axis.outputs; output++) {
      const int row = axis.origin + output * axis.output_step + tap * axis.tap_step;
      if (row >= 0 && row < axis.source) count++;
    }
  return count;
}

// How the weights, or their gradients, lie in memory: packed for the array (plan/packed_layout.hpp), or in Caffe's own layout, as
// [groups][weights_rows][columns] or as [groups][columns][weights_rows], a row for each channel and tap. Gradients lie in rows or
// are packed.
enum class WeightsLayout { kPacked, kRows, kColumns };

struct Contraction {
  bool weights_pass;
  int images, groups;
  int channels;      // of the source, a group
  int columns;       // output channels, a group
  int image_stride;  // elements of the source an image
  int image_floats;  // of these, the ones that exist; the last channel may be short
  Axis height, width;
  WeightsLayout layout = WeightsLayout::kPacked;
  int weights_rows = 0;  // where weights are not packed
};

// How weights that the array reads packed lie in Caffe's blob. For group g, column o, outer step l and element e (channels x rows x
// columns of taps), Caffe's element g * group + o * column + l * outer + e.
struct NativeLayout {
  int group, column, outer;        // strides, elements
  int outer_count, element_count;  // per column
  int taps_h, taps_w;              // of the kernel in Caffe's layout
  std::vector<int> tap_h, tap_w;   // for each of these, its tap in the contraction, or -1 where that has none of it
};

// A contraction of a pass: of "forward", "weights", "data" or "data phase 1,0".
struct GridPass {
  std::string name;
  Contraction contraction;
  NativeLayout native;
};

}  // namespace barista::plan

#endif  // BARISTA_PLAN_CONTRACTION_HPP_
