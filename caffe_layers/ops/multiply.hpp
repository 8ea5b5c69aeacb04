// Plans for the multiply grid: how a contraction is cut into tiles, and the descriptors that say so to the kernel.
//
// Every pass of convolution and inner product is one of two contractions over a source image:
//   outputs:  dst[n][o][p][q] (+ bias[o]) = sum over c, r, s of src[n][c][origin_h + p*step_h + r*tap_h][...] * weights[o][c][r][s]
//   weights:  diff_weights[o][c][r][s]    = sum over n, p, q of the same source element * diff_dst[n][o][p][q]
// A Contraction states one; plan() finds the tiles that cost the fewest cycles on the device within the recipe's memories.
#ifndef BARISTA_OPS_MULTIPLY_HPP_
#define BARISTA_OPS_MULTIPLY_HPP_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../../opencl_kernels/multiply_descriptor.h"
#include "../../opencl_kernels/weights_layout.h"
#include "device/device_manager.hpp"

namespace barista::ops {

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

// Weights that are used, and whose gradients are added to, where they are: as [groups][raw_rows][columns] or [groups][columns][raw_rows],
// a row for each channel and tap. Gradients lie in rows or are packed.
enum class RawWeights { kPacked, kRows, kColumns };

struct Contraction {
  bool weights_pass;
  int images, groups;
  int channels;      // of the source, a group
  int columns;       // output channels, a group
  int image_stride;  // floats of the source an image
  int image_floats;  // of these, the ones that exist; the last channel may be short
  bool bias;
  Axis height, width;
  RawWeights raw = RawWeights::kPacked;
  int raw_rows = 0;
};

struct Plan {
  multiply_descriptor descriptor;
  std::vector<multiply_range> units;  // one launch each
  int fold_h, fold_w;
  int window_h, window_w;
  int lanes;  // of a channel group, padded to whole blocks
  int column_tiles;
  std::size_t packed_floats;  // of packed weights, or of one partial gradient
  int partials;               // weights pass: partial gradients, added by the unpacking
  bool scatters;              // the nest walks over the source and not over the outputs
  int walked;                 // pixels of one image that the nest walks over in a tile
  double cycles;              // of the busiest unit, as the cost model has it
  double utilization;         // useful multiply-adds, those with padding left out, over multiply-adders times cycles
};

// Throws device::Error where no tile fits the recipe's memories.
Plan plan(const device::Recipe& recipe, const Contraction& contraction);

// What a descriptor's loop nest touches, counted by running it.
struct NestReport {
  int steps;
  int revisit_distance;               // the fewest steps between two visits of one accumulator; INT_MAX if none is visited twice
  int x_words, vec_words, acc_words;  // one beyond the last word used
};
NestReport run_nest(const multiply_descriptor& descriptor);

// A plan and the pass that it is for: "forward", "weights", "data" or "data phase 1,0".
struct NamedPlan {
  std::string pass;
  Plan plan;
};

// How the elements of raw weights lie in the packed ones, as the packing kernels take it. For group g, column o, outer lane l and
// element e (channels x rows x columns of taps):
//   raw[g * group + o * column + l * outer + e]  <->  packed[word(c, r, s) of o's column tile][o]
struct RawLayout {
  int group, column, outer;        // strides, floats
  int outer_count, element_count;  // per column
  int taps_h, taps_w;              // of the raw kernel
  std::vector<int> tap_h, tap_w;   // for each raw tap, its tap in the plan, or -1 where the plan has none of it
};

// Packed weights on the device, kept until the raw ones change.
class PackedWeights {
 public:
  PackedWeights(device::DeviceManager& manager, const Plan& plan, const Contraction& contraction, const RawLayout& layout);
  // Packs `raw` if it isn't what was packed last; returns the packed weights.
  device::Buffer& pack(const device::Buffer& raw);
  // Adds all partial gradients in packed() to `raw`.
  void unpack_add(device::Buffer& raw);
  device::Buffer& packed() { return packed_; }

 private:
  std::size_t raw_floats() const;
  void launch(const std::string& kernel, const std::vector<device::Argument>& arguments);
  device::DeviceManager& manager_;
  device::Buffer packed_;
  device::Buffer taps_;
  weights_layout layout_;
  std::uint64_t packed_version_ = 0;
};

// One pass of a layer: its plan and its weights in the grid's layout.
class MultiplyPass {
 public:
  MultiplyPass(device::DeviceManager& manager, const Contraction& contraction, const RawLayout& layout);

  // dst = contraction of src and weights, plus bias where it isn't null.
  void outputs(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst);
  // diff_weights += contraction of src and diff_dst.
  void weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights);

 private:
  void launch(const device::Buffer& src, const device::Buffer& operand, const device::Buffer* bias, const device::Argument& dst);
  device::DeviceManager& manager_;
  Plan plan_;
  std::size_t raw_floats_;
  PackedWeights weights_;
};

// diff_bias[o] += sum over n, s of diff_dst[n][o][s].
void bias_gradient(device::DeviceManager& manager, const device::Buffer& diff_dst, device::Buffer& diff_bias, int images,
                   int outputs, int plane);

}  // namespace barista::ops

#endif  // BARISTA_OPS_MULTIPLY_HPP_
