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
#include <optional>
#include <string>
#include <vector>

#include "device/device_manager.hpp"
#include "interface/multiply_descriptor.h"
#include "interface/weights_layout.h"

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

// A contraction, and how the weights or gradients that it packs lie in Caffe's blobs.
struct GridPass {
  Contraction contraction;
  RawLayout layout;
};

// A layer's packed weights on the device, in as many layouts as its passes want, kept until the raw ones change. One launch a unit packs
// them all.
class PackedWeights {
 public:
  explicit PackedWeights(device::DeviceManager& manager) : manager_(manager) {}
  // Packs for `plan` too from now on. Returns where, in floats.
  std::size_t add(const Plan& plan, const GridPass& pass);
  // Packs `raw` if it isn't what was packed last; returns the packed weights.
  const device::Buffer& pack(const device::Buffer& raw);

 private:
  void allocate();
  device::DeviceManager& manager_;
  std::vector<weights_layout> layouts_;
  std::vector<int> words_;
  std::size_t floats_ = 0;
  device::Buffer packed_, taps_, on_device_;  // on_device_: the layouts
  std::uint64_t packed_version_ = 0;
};

// Arguments of multiply_*, by their place.
enum MultiplyArgument {
  kMultiplySrc,
  kMultiplyOperand,
  kMultiplyScale,
  kMultiplyOffset,
  kMultiplyDst,
  kMultiplyJobs,
  kMultiplyJobBegin,
  kMultiplyJobEnd,
  kMultiplyStores
};

// The jobs of some plans, and launches that do them.
class GridJobs {
 public:
  GridJobs(device::DeviceManager& manager, const std::vector<Plan>& plans);
  // One launch a unit that takes part. A buffer that isn't there is null.
  struct Operands {
    const device::Buffer &src, &operand;
    const device::Buffer *scale, *offset;
    device::Argument dst;
  };
  std::vector<device::Launch> launches(const Operands& operands, const multiply_store& stores) const;

 private:
  device::Buffer jobs_;
  std::vector<int> ends_;  // of each unit's jobs; they follow each other
};

// Contractions of one kind that write parts of one dst between them. Weights that have to be packed are packed in `packed`, which outlives
// this.
class OutputsPass {
 public:
  OutputsPass(device::DeviceManager& manager, const std::vector<GridPass>& passes, PackedWeights& packed);
  // dst = contractions of src and weights, plus bias where it isn't null. Held back for what follows in place (ops/in_store.hpp).
  void run(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst);

 private:
  device::DeviceManager& manager_;
  PackedWeights& packed_;
  bool packs_ = false;
  multiply_store stores_ = {};
  std::optional<GridJobs> jobs_;
};

// diff_bias[o] += sum over n, s of diff_dst[n][o][s].
struct BiasGradient {
  const device::Buffer& diff_dst;
  device::Buffer& diff_bias;
  int images, outputs, plane;
};

// Packed gradients of weights, as the grid leaves them.
class PackedGradient {
 public:
  PackedGradient(device::DeviceManager& manager, const Plan& plan, const GridPass& pass);
  device::Buffer& packed() { return packed_; }
  std::size_t raw_floats() const;
  // Adds all partial gradients to `raw`, or, where not `adds`, writes their sum there; and adds the bias's, where it isn't null.
  void add_to(device::Buffer& raw, bool adds, const BiasGradient* bias);

 private:
  device::DeviceManager& manager_;
  weights_layout layout_;
  device::Buffer packed_, taps_;
};

class WeightsPass {
 public:
  WeightsPass(device::DeviceManager& manager, const GridPass& pass);
  // diff_weights += contraction of src and diff_dst; and the bias's gradient, where it isn't null.
  void run(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights, const BiasGradient* bias);

 private:
  device::DeviceManager& manager_;
  std::size_t raw_floats_;
  std::optional<PackedGradient> packed_;  // where gradients are not written to where they belong
  std::optional<GridJobs> jobs_;
};

// The bias's gradient alone.
void bias_gradient(device::DeviceManager& manager, const BiasGradient& bias);

}  // namespace barista::ops

#endif  // BARISTA_OPS_MULTIPLY_HPP_
