#include "plan/packed_layout.hpp"

#include <algorithm>

#include "plan/multiply_plan.hpp"
#include "plan/multiply_tile.hpp"
#include "plan/ranges.hpp"

namespace barista::plan {
namespace {

std::vector<int> tap_words(const NativeLayout& native, const MultiplyPlan& plan) {
  std::vector<int> words;
  // Scattering takes the taps in reverse: the first one's product goes to the furthest output.
  const auto window_of = [&](int tap, int fold, int window) { return plan.scatters ? window - 1 - tap : tap / fold; };
  for (int tap : native.tap_h)
    words.push_back(
        tap < 0 ? -1 : window_of(tap, plan.fold_h, plan.window_h) * plan.window_w * plan.lanes + (tap % plan.fold_h) * plan.fold_w);
  for (int tap : native.tap_w)
    words.push_back(tap < 0 ? -1 : window_of(tap, plan.fold_w, plan.window_w) * plan.lanes + tap % plan.fold_w);
  return words;
}

}  // namespace

PackedLayout packed_layout(const GridPass& pass, const MultiplyPlan& plan) {
  const Contraction& contraction = pass.contraction;
  const NativeLayout& native = pass.native;
  weights_layout w = {};
  w.groups = contraction.groups;
  w.columns = contraction.columns;
  w.group = native.group;
  w.column = native.column;
  w.outer = native.outer;
  w.outer_count = native.outer_count;
  w.element_count = native.element_count;
  w.taps_h = native.taps_h;
  w.taps_w = native.taps_w;
  w.channel_words = plan.fold_h * plan.fold_w;
  w.vectors = plan.descriptor.vectors;
  w.packed_group = plan.descriptor.weights_group;
  w.packed_tile = plan.descriptor.weights_tile;
  w.partials = plan.partials;
  w.partial_floats = int(plan.packed_floats);
  w.end_vector = contraction.groups * ceil_div(contraction.columns, kVector);
  return {w, tap_words(native, plan)};
}

std::size_t native_floats(const weights_layout& layout) {
  return std::size_t(layout.groups) * layout.columns * layout.outer_count * layout.element_count;
}

std::size_t PackedLayouts::add(const PackedLayout& packed, std::size_t packed_floats) {
  weights_layout layout = packed.layout;
  layout.first_tap = int(taps_.size());
  layout.packed_start = int(floats_);
  layout.first_vector = vectors();
  layout.end_vector += layout.first_vector;
  layouts_.push_back(layout);
  taps_.insert(taps_.end(), packed.taps.begin(), packed.taps.end());
  floats_ += packed_floats;
  return std::size_t(layout.packed_start);
}

std::vector<GradientShare> share_gradients(const Recipe& recipe, const weights_layout& layout, const bias_sums& sums) {
  // Where a plane is one element, a vector of sums is several outputs.
  const int grain = sums.plane == 1 ? kVector : 1;
  const double floats = double(native_floats(layout)) + double(sums.images) * sums.outputs * sums.plane;
  const int units = units_for(recipe, floats);
  const std::vector<UnitRange> vectors = share_out(layout.end_vector, units),
                               outputs = share_out(ceil_div(sums.outputs, grain), units);
  std::vector<GradientShare> shares(std::max(vectors.size(), outputs.size()));
  for (std::size_t unit = 0; unit < vectors.size(); unit++) shares[unit].vectors = vectors[unit];
  for (std::size_t unit = 0; unit < outputs.size(); unit++)
    shares[unit].outputs = {outputs[unit].begin * grain, std::min(outputs[unit].end * grain, sums.outputs)};
  return shares;
}

}  // namespace barista::plan
