// How the weights, or gradients, of a contraction lie when they are packed for the PE array, and who moves them there and
// back.
#ifndef BARISTA_PLAN_PACKED_LAYOUT_HPP_
#define BARISTA_PLAN_PACKED_LAYOUT_HPP_

#include <cstddef>
#include <vector>

#include "interface/weights_layout.h"
#include "plan/contraction.hpp"
#include "plan/recipe.hpp"
#include "plan/units.hpp"

namespace barista::plan {

struct MultiplyPlan;

// `taps` are the layout's: for each tap in Caffe's layout, rows before columns, what its word adds, or -1 where it has none.
struct PackedLayout {
  weights_layout layout;
  std::vector<int> taps;
};
PackedLayout packed_layout(const GridPass& pass, const MultiplyPlan& plan);

// Elements of Caffe's blob.
std::size_t native_floats(const weights_layout& layout);

// All layouts in which a layer's passes want its weights, in one buffer.
class PackedLayouts {
 public:
  // Returns where in the buffer the new one begins, in elements.
  std::size_t add(const PackedLayout& packed, std::size_t packed_floats);

  const std::vector<weights_layout>& layouts() const { return layouts_; }
  const std::vector<int>& taps() const { return taps_; }
  std::size_t floats() const { return floats_; }
  bool empty() const { return layouts_.empty(); }
  // Vectors of 16 output channels, which the units share, of all layouts.
  int vectors() const { return empty() ? 0 : layouts_.back().end_vector; }

 private:
  std::vector<weights_layout> layouts_;
  std::vector<int> taps_;
  std::size_t floats_ = 0;
};

// Of parameter_gradients_*, what a unit adds up: vectors of the weights' gradients, and outputs of the bias's.
struct GradientShare {
  UnitRange vectors, outputs;
};
// One launch each. `layout` and `sums` are zeros where there is nothing of the kind to add up.
std::vector<GradientShare> share_gradients(const Recipe& recipe, const weights_layout& layout, const bias_sums& sums);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_PACKED_LAYOUT_HPP_
