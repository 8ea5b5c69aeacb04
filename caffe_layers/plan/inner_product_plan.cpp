#include "plan/inner_product_plan.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "plan/ranges.hpp"

namespace barista::plan {
namespace {

// Columns of weights that are not packed lie far apart, so that a shorter run of one would fetch the same line of memory again and
// again. A longer one leaves room for fewer columns on chip.
constexpr int kBurst = 32;
constexpr int kShort = 64;

// src [images][inputs] seen as a convolution whose kernel covers the image: ceil(inputs / width) channels of one row of `width`
// elements. A lane then reads runs of `width` elements. Of weights that are packed, [columns][inputs].
GridPass covering(const GridPass& kind, int inputs, int width) {
  GridPass pass = kind;
  Contraction& c = pass.contraction;
  c.groups = 1;
  c.channels = ceil_div(inputs, width);
  c.image_stride = c.image_floats = inputs;
  c.height = {1, 1, 1, 0, 1, 1, 1, 0, 1};
  c.width = {width, 1, width, 0, 1, 1, 1, 0, 1};
  std::vector<int> taps(width);
  std::iota(taps.begin(), taps.end(), 0);
  pass.native = {0, inputs, 0, 1, inputs, 1, width, {0}, std::move(taps)};
  return pass;
}

// The width of which the plan costs least.
PassPlan best_covering(const Recipe& recipe, const GridPass& kind, int inputs, int least) {
  PassPlan best = plan_pass(recipe, covering(kind, inputs, least));
  for (int width = std::max(least, recipe.load_words); width <= std::min(inputs, recipe.x_words); width *= 2) {
    PassPlan candidate = plan_pass(recipe, covering(kind, inputs, width));
    if (candidate.plan.cycles < best.plan.cycles) best = std::move(candidate);
  }
  return best;
}

// dst [images][outputs] = sum over src [images][sum] and weights, which lie as [sum][outputs] where `side_by_side`, else as
// [outputs][sum]. Short sums are of width 1: then they are added up in one order however weights lie, and Caffe's own tests hold
// transposed weights to the others' results bit by bit. What is packed for that is small.
PassPlan outputs_pass(const Recipe& recipe, const char* name, int images, int sum, int outputs, bool side_by_side) {
  GridPass kind = {name, {}, {}};
  Contraction& c = kind.contraction;
  c.images = images;
  c.columns = outputs;
  const bool is_short = sum <= kShort;
  if (side_by_side || !is_short) {
    c.layout = side_by_side ? WeightsLayout::kRows : WeightsLayout::kColumns;
    c.weights_rows = sum;
  }
  if (is_short) return plan_pass(recipe, covering(kind, sum, 1));
  return best_covering(recipe, kind, sum, side_by_side ? 1 : kBurst);
}

PassPlan weights_pass(const Recipe& recipe, const InnerProductShape& s) {
  GridPass kind = {"weights", {}, {}};
  Contraction& c = kind.contraction;
  c.weights_pass = true;
  c.images = s.N;
  c.layout = WeightsLayout::kRows;
  c.weights_rows = s.transpose ? s.K : s.O;
  c.columns = s.transpose ? s.O : s.K;
  return best_covering(recipe, kind, c.weights_rows, 1);
}

}  // namespace

InnerProductPlan plan_inner_product(const Recipe& recipe, const InnerProductShape& s) {
  return {outputs_pass(recipe, "forward", s.N, s.K, s.O, s.transpose), weights_pass(recipe, s),
          outputs_pass(recipe, "data", s.N, s.O, s.K, !s.transpose)};
}

}  // namespace barista::plan
