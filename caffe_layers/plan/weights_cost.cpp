#include "plan/weights_cost.hpp"

#include <algorithm>

#include "plan/multiply_tile.hpp"
#include "plan/ranges.hpp"
#include "plan/units.hpp"

namespace barista::plan {
namespace {

using Count = std::int64_t;

constexpr int kSums = 8;  // of weights.cl: sums of a bias that take turns

// Elements of one column that have a word in the packed weights.
Count packed_elements(const weights_layout& w, const std::vector<int>& taps) {
  const auto first = taps.begin() + w.first_tap;
  const auto there = [](int tap) { return tap >= 0; };
  const Count rows = std::count_if(first, first + w.taps_h, there),
              columns = std::count_if(first + w.taps_h, first + w.taps_h + w.taps_w, there);
  const Count all = Count(w.outer_count) * w.element_count, kernel = Count(w.taps_h) * w.taps_w, channels = all / kernel;
  Count last = 0;  // of the last channel, which may be short
  for (Count i = 0; i < all % kernel; i++) last += there(first[i / w.taps_w]) && there(first[w.taps_h + i % w.taps_w]);
  return channels * rows * columns + last;
}

}  // namespace

Cost pack_cost(const Recipe& recipe, const PackedLayouts& packed) {
  Cost cost;
  if (packed.empty()) return cost;
  cost.launches = Count(share_out(packed.vectors(), units_for(recipe, double(packed.floats()))).size());
  for (const weights_layout& w : packed.layouts()) {
    const Count vectors = w.end_vector - w.first_vector;
    cost.steps += vectors * w.outer_count * ceil_div(w.element_count, kVector) * (2 * kVector);
    cost.loaded += Count(native_floats(w));
    cost.stored += vectors * packed_elements(w, packed.taps()) * kVector;
  }
  return cost;
}

Cost gradients_cost(const Recipe& recipe, const weights_layout& w, const bias_sums& sums) {
  Cost cost;
  cost.launches = Count(share_gradients(recipe, w, sums).size());
  const int parts = kVector / recipe.lanes;
  // Each element of a column is read 16 columns at a time; each 16 elements of a column are stored.
  const Count elements = Count(w.end_vector) * w.outer_count * w.element_count * w.partials;
  cost.steps += elements * parts + Count(w.groups) * w.columns * w.outer_count * ceil_div(w.element_count, kVector) * parts;
  cost.loaded += elements * kVector;
  cost.stored += Count(native_floats(w));

  const Count vectors = sums.plane == 1 ? ceil_div(sums.outputs, recipe.lanes) : sums.outputs;
  cost.steps += vectors * (Count(sums.images) * ceil_div(sums.plane, recipe.lanes) + kSums);
  cost.loaded += Count(sums.images) * sums.outputs * sums.plane;
  cost.stored += sums.outputs;
  return cost;
}

}  // namespace barista::plan
