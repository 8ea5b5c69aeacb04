// Plans for the PE array: how a contraction is cut into tiles, and the descriptors that say so to the kernel.
#ifndef BARISTA_PLAN_MULTIPLY_PLAN_HPP_
#define BARISTA_PLAN_MULTIPLY_PLAN_HPP_

#include <cstddef>
#include <string>
#include <vector>

#include "interface/multiply_descriptor.h"
#include "plan/contraction.hpp"
#include "plan/packed_layout.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

struct MultiplyPlan {
  multiply_descriptor descriptor;
  std::vector<multiply_range> units;  // one launch each
  int fold_h, fold_w;                 // taps in the lanes
  int window_h, window_w;             // taps that the loop nest takes one after the other
  int lanes;                          // of a channel group, padded to whole blocks
  int column_tiles;
  std::size_t packed_floats;  // of packed weights, or of one partial gradient; 0 where they are not packed
  int partials;               // weights pass: partial gradients, added by the unpacking
  bool scatters;              // the nest walks over the source and not over the outputs
  int walked;                 // pixels of one image that the nest walks over in a tile
  double cycles;              // of the busiest unit, as the cost model has it
  double utilization;         // useful multiply-adds, those with padding left out, over processing elements times cycles
};

// The tiles that cost the fewest cycles within the recipe's memories. Throws Unsupported where none fits.
MultiplyPlan plan_multiply(const Recipe& recipe, const Contraction& contraction);

// A pass with its plan, and how the weights or gradients that it packs lie.
struct PassPlan {
  GridPass pass;
  MultiplyPlan plan;
  PackedLayout packed;

  bool packs() const { return plan.packed_floats > 0; }
};
PassPlan plan_pass(const Recipe& recipe, GridPass pass);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_MULTIPLY_PLAN_HPP_
