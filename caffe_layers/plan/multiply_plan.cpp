#include "plan/multiply_plan.hpp"

#include <algorithm>
#include <utility>

#include "plan/multiply_tile.hpp"
#include "plan/ranges.hpp"
#include "plan/unsupported.hpp"

namespace barista::plan {
namespace {

// Calls visit(size) for each size of the equal parts into which 1, 2, ... up to `most` cuts divide `all`, the largest first, until
// it returns false.
template <typename Visit>
void each_part_size(int all, int fewest, int most, const Visit& visit) {
  int previous = 0;
  for (int parts = fewest; parts <= most; parts++) {
    const int size = ceil_div(all, parts);
    if (size == previous) continue;
    previous = size;
    if (!visit(size)) return;
  }
}

// Whether every product of a source row and a tap belongs to an output, as in the gradient of a convolution without padding.
bool is_full(const Axis& axis) {
  const int halo = (axis.taps - 1) * axis.tap_step;
  return (axis.output_step == 1 || axis.outputs == 1) && axis.origin == -halo && axis.outputs == axis.source + halo;
}

// Taps that may lie in the lanes.
std::vector<int> folds(const Axis& axis) {
  std::vector<int> result = {1};
  if (axis.output_step > 1 && axis.output_step < axis.taps) result.push_back(axis.output_step);  // the stride's phases
  if (axis.taps > 1) result.push_back(axis.taps);
  return result;
}

class Search {
 public:
  Search(const Recipe& recipe, const Contraction& contraction) : recipe_(recipe), c_(contraction) {}

  MultiplyPlan best() {
    const int all_words = ceil_div(c_.columns, recipe_.pe_columns);
    for (int fold_h : folds(c_.height))
      for (int fold_w : folds(c_.width)) {
        const FoldedAxis height(c_.height, fold_h), width(c_.width, fold_w);
        each_part_size(all_words, 1, all_words, [&](int column_words) {
          try_tiles(height, width, column_words);
          if (fold_h == 1 && fold_w == 1) try_scattering(height, width, column_words);
          return true;
        });
      }
    if (!found_)
      throw Unsupported("PE array of recipe '" + recipe_.name + "': no tile of a " + std::to_string(c_.height.taps) + "x" +
                        std::to_string(c_.width.taps) + " kernel fits x_words " + std::to_string(recipe_.x_words) +
                        "; enlarge x_words in the recipe");
    best_.utilization = useful_cycles() / best_.cycles;
    return best_;
  }

 private:
  void try_tiles(const FoldedAxis& height, const FoldedAxis& width, int column_words) {
    const int image_groups = ceil_div(c_.images, image_banks(recipe_, c_));
    each_part_size(c_.width.outputs, 1, c_.width.outputs, [&](int columns) {
      bool fits = false;
      each_part_size(c_.height.outputs, 1, c_.height.outputs, [&](int rows) {
        const bool whole_plane = rows == c_.height.outputs && columns == c_.width.outputs;
        each_part_size(image_groups, whole_plane ? 1 : image_groups, image_groups, [&](int groups) {
          if (try_tile({height, width, column_words, rows, columns, groups})) fits = true;
          return true;
        });
        return true;
      });
      return !fits;  // narrower tiles only load more
    });
  }

  // Where outputs reach beyond the source, most of what they gather there are zeros. Then the nest walks over the source instead
  // and adds each pixel's products to all outputs that they belong to, which takes whole images.
  void try_scattering(const FoldedAxis& height, const FoldedAxis& width, int column_words) {
    const Axis &h = c_.height, &w = c_.width;
    if (c_.weights_pass || !is_full(h) || !is_full(w) || (h.taps == 1 && w.taps == 1)) return;
    const int image_groups = ceil_div(c_.images, image_banks(recipe_, c_));
    each_part_size(image_groups, 1, image_groups, [&](int groups) {
      return !try_tile({height, width, column_words, h.outputs, w.outputs, groups, true});
    });
  }

  // Keeps it if it is the best so far. False if it doesn't fit.
  bool try_tile(const TileChoice& choice) {
    const std::optional<Tile> tile = fit(recipe_, c_, choice);
    if (!tile) return false;
    const TileCost tile_cost = cost(recipe_, c_, *tile);
    if (found_ && tile_cost.cycles >= best_.cycles) return true;
    const std::optional<multiply_descriptor> descriptor = describe(recipe_, c_, *tile);
    if (!descriptor) return false;
    found_ = true;
    keep(*tile, tile_cost, *descriptor);
    return true;
  }

  void keep(const Tile& tile, const TileCost& tile_cost, const multiply_descriptor& descriptor) {
    const bool packed = c_.layout == WeightsLayout::kPacked;
    best_ = {};
    best_.descriptor = descriptor;
    best_.fold_h = tile.choice.height.fold;
    best_.fold_w = tile.choice.width.fold;
    best_.window_h = tile.choice.height.window;
    best_.window_w = tile.choice.width.window;
    best_.lanes = tile.blocks * descriptor.lanes;
    best_.column_tiles = tile.column_tiles;
    best_.packed_floats = packed ? std::size_t(c_.groups) * packed_group_size(recipe_, c_, tile) : 0;
    best_.cycles = tile_cost.cycles;
    best_.scatters = tile.choice.scatters;
    best_.walked = walked_pixels(c_, tile);
    const bool partial_gradients = c_.weights_pass && tile_cost.share >= Share::kImageTiles;
    best_.units = split_work(tile, tile_cost.share, partial_gradients ? int(best_.packed_floats) : 0);
    best_.partials = partial_gradients ? int(best_.units.size()) : 1;
  }

  std::vector<multiply_range> split_work(const Tile& tile, Share share, int partial_floats) const {
    const int counts[] = {c_.groups, tile.column_tiles, tile.image_tiles, tile.row_tiles, tile.width_tiles};
    const int split = static_cast<int>(share), size = ceil_div(counts[split], recipe_.compute_units);
    std::vector<multiply_range> ranges;
    for (int begin = 0; begin < counts[split]; begin += size) {
      int bounds[5][2];
      for (int i = 0; i < 5; i++) {
        bounds[i][0] = i == split ? begin : 0;
        bounds[i][1] = i == split ? std::min(begin + size, counts[i]) : counts[i];
      }
      multiply_range r = {};
      r.group_begin = bounds[0][0], r.group_end = bounds[0][1];
      r.column_begin = bounds[1][0], r.column_end = bounds[1][1];
      r.image_begin = bounds[2][0], r.image_end = bounds[2][1];
      r.row_begin = bounds[3][0], r.row_end = bounds[3][1];
      r.width_begin = bounds[4][0], r.width_end = bounds[4][1];
      r.dst_offset = int(ranges.size()) * partial_floats;
      ranges.push_back(r);
    }
    return ranges;
  }

  // Cycles of all useful multiply-adds on all units' processing elements.
  double useful_cycles() const {
    const double multiplies = double(c_.images) * c_.groups * c_.columns * c_.channels * products(c_.height) * products(c_.width);
    return multiplies / (double(recipe_.pe_rows) * recipe_.pe_depth * recipe_.pe_columns * recipe_.compute_units);
  }

  const Recipe& recipe_;
  const Contraction& c_;
  bool found_ = false;
  MultiplyPlan best_ = {};
};

}  // namespace

MultiplyPlan plan_multiply(const Recipe& recipe, const Contraction& contraction) { return Search(recipe, contraction).best(); }

PassPlan plan_pass(const Recipe& recipe, GridPass pass) {
  PassPlan result = {std::move(pass), {}, {}};
  result.plan = plan_multiply(recipe, result.pass.contraction);
  result.packed = packed_layout(result.pass, result.plan);
  return result;
}

}  // namespace barista::plan
