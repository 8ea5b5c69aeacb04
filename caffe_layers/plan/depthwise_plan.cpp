#include "plan/depthwise_plan.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "plan/depthwise_parts.hpp"
#include "plan/units.hpp"

namespace barista::plan {
namespace {

// The words on chip that an area fills.
std::vector<char> filled(const depthwise_area& a, int words) {
  std::vector<char> all(words);
  depthwise_place at = depthwise_first(a);
  for (int i = 0; i < a.runs * a.run; i++) {
    if (depthwise_kept(at, a)) all[at.address] = 1;
    at = depthwise_next(at, a);
  }
  return all;
}

// What a part does not fill must be zero, so `before`, the part before it, must not have filled it.
bool leaves_zeros(const depthwise_part& before, const depthwise_part& part, int words) {
  const std::vector<char> old = filled(before.source, words), present = filled(part.source, words);
  for (int i = 0; i < words; i++)
    if (old[i] > present[i]) return false;
  return true;
}

// Runs of `step` from 0 to `size`.
std::vector<Range> runs(int size, int step) {
  std::vector<Range> all;
  for (int begin = 0; begin < size; begin += step) all.push_back({begin, std::min(size, begin + step)});
  return all;
}

std::string name_of(const ConvolutionShape& s) {
  const auto size = [](int a, int b) { return std::to_string(a) + "x" + std::to_string(b); };
  return "depthwise convolution of " + std::to_string(s.N) + "x" + std::to_string(s.C) + "x" + size(s.H, s.W) + ", kernel " +
         size(s.KH, s.KW);
}

// How many tiles a plane is cut into, and rectangles the kernel.
struct Counts {
  int tiles, kernel_parts;
};

// Adds all parts: those of a tile, or, backward-weights, of a rectangle of the kernel, side by side.
Counts add_parts(const DepthwisePlane& p, const DepthwiseTiles& c, DepthwiseParts& builder) {
  const std::vector<Range> rows = runs(p.rows(), c.rows), columns = runs(p.columns(), c.columns);
  const std::vector<Range> kernel_rows = runs(p.height.kernel, c.kernel_rows),
                           kernel_columns = runs(p.width.kernel, c.kernel_columns);
  const auto each_tile = [&](const auto& visit) {
    for (const Range& row : rows)
      for (const Range& column : columns) visit(row, column);
  };
  const auto each_kernel_part = [&](const auto& visit) {
    for (const Range& row : kernel_rows)
      for (const Range& column : kernel_columns) visit(row, column);
  };
  if (p.direction == DepthwiseDirection::kBackwardWeights) {
    each_kernel_part([&](Range kernel_row, Range kernel_column) {
      std::vector<char> none;
      each_tile([&](Range row, Range column) { builder.add(row, column, kernel_row, kernel_column, none); });
    });
  } else {
    each_tile([&](Range row, Range column) {
      std::vector<char> begun(static_cast<std::size_t>(result_extent(p, p.height, row.size()).phases) *
                              result_extent(p, p.width, column.size()).phases);
      each_kernel_part([&](Range kernel_row, Range kernel_column) { builder.add(row, column, kernel_row, kernel_column, begun); });
      builder.parts.back().last = 1;
    });
  }
  return {static_cast<int>(rows.size() * columns.size()), static_cast<int>(kernel_rows.size() * kernel_columns.size())};
}

depthwise_problem problem_of(const ConvolutionShape& s, const DepthwisePlane& p) {
  depthwise_problem problem = {};
  problem.planes = s.N * s.C;
  problem.channels = s.C;
  problem.source_plane = p.gathers() ? s.P() * s.Q() : s.H * s.W;
  problem.source_row = p.gathers() ? s.Q() : s.W;
  problem.result_plane = p.gathers() ? s.H * s.W : s.P() * s.Q();
  problem.result_row = p.gathers() ? s.W : s.Q();
  problem.kernel_plane = s.KH * s.KW;
  problem.kernel_row = s.KW;
  problem.source_image = s.C * problem.source_plane;
  problem.result_image = s.C * problem.result_plane;
  problem.source_blob = s.N * problem.source_image;
  problem.result_blob = s.N * problem.result_image;
  problem.weights_blob = s.C * problem.kernel_plane;
  return problem;
}

}  // namespace

DepthwisePass plan_depthwise(const Recipe& recipe, const ConvolutionShape& s, DepthwiseDirection direction) {
  const DepthwisePlane p = {{s.H, s.P(), s.KH, s.SH, s.PH, s.DH}, {s.W, s.Q(), s.KW, s.SW, s.PW, s.DW}, direction};
  const DepthwiseTiles c = depthwise_tiles(recipe, p, name_of(s));
  const int pitch = source_extent(p, p.width, c.columns, c.kernel_columns).words;
  DepthwiseParts builder(recipe, p, pitch);
  const auto [tiles, kernel_parts] = add_parts(p, c, builder);
  const bool by_kernel = direction == DepthwiseDirection::kBackwardWeights;

  DepthwisePass pass = {problem_of(s, p), std::move(builder.parts), std::move(builder.sweeps), {}};
  depthwise_problem& problem = pass.problem;
  problem.source_words = builder.source_words;
  problem.pitch = pitch;
  problem.tiles = tiles;
  problem.parts = tiles * kernel_parts;
  const int cycle = by_kernel ? tiles : tiles * kernel_parts;  // parts that take turns
  for (std::size_t i = 0; i < pass.parts.size(); i++) {
    const std::size_t first = i / cycle * cycle, before = i == first ? first + cycle - 1 : i - 1;
    pass.parts[i].clear = leaves_zeros(pass.parts[before], pass.parts[i], problem.source_words) ? 0 : 1;
    pass.parts[i].load_weights = kernel_parts > 1 ? 1 : 0;
  }

  const double floats = static_cast<double>(problem.planes) * (problem.source_plane + problem.result_plane);
  const int step = by_kernel ? 1 : kernel_parts;
  const int items = by_kernel ? ceil_div(s.C, recipe.lanes) : ceil_div(problem.planes, recipe.lanes) * tiles;
  for (const UnitRange& range : share_out(items, units_for(recipe, floats))) {
    const int begin = range.begin * step, plane = (by_kernel ? begin : begin / problem.parts) * recipe.lanes;
    pass.units.push_back({begin, range.end * step, plane, by_kernel ? 0 : begin % problem.parts, plane * problem.source_plane,
                          plane * problem.result_plane, plane * problem.kernel_plane});
  }
  return pass;
}

DepthwisePlan plan_depthwise(const Recipe& recipe, const ConvolutionShape& shape) {
  return {plan_depthwise(recipe, shape, DepthwiseDirection::kForward),
          plan_depthwise(recipe, shape, DepthwiseDirection::kBackwardData),
          plan_depthwise(recipe, shape, DepthwiseDirection::kBackwardWeights)};
}

}  // namespace barista::plan
