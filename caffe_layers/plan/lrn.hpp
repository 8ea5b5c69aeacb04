// Plans for local response normalisation: how planes are cut into tiles that fit the device, how tiles are shared out, and what a pass costs.
#ifndef BARISTA_PLAN_LRN_HPP_
#define BARISTA_PLAN_LRN_HPP_

#include <vector>

#include "interface/lrn_problem.h"
#include "plan/cost.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

enum class LRNRegion { kAcrossChannels, kWithinChannel };

struct LRNShape {
  int N, C, H, W;
};

struct LRNFunction {
  LRNRegion region;
  int local_size;  // odd
  float alpha, beta, k;
};

struct LRNPass {
  lrn_problem problem;
  std::vector<lrn_range> units;  // one launch each
  Cost cost;
};

struct LRNPlan {
  LRNPass forward, backward;
};

// Throws Unsupported for a shape without elements, an even local_size, or a window that overfills the device's memory: it holds any local_size
// where all channels of a pixel, or all pixels of a channel, fit the recipe's acc_words; else as many channels, or as many pixels.
LRNPlan plan_lrn(const Recipe& recipe, const LRNShape& shape, const LRNFunction& function);

// "forward" and "backward".
std::vector<PassCost> lrn_costs(const Recipe& recipe, const LRNShape& shape, const LRNFunction& function);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_LRN_HPP_
