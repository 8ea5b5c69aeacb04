#include "ops/multiply.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "ops/post_ops.hpp"
#include "ops/units.hpp"
#include "plan/ranges.hpp"

namespace barista::ops {
namespace {

using plan::ceil_div;
using plan::round_up;

constexpr int kVector = 16;  // floats of a word of external memory, and columns that are loaded and stored at once

// An axis with `fold` of its taps in the lanes: tap = window * fold + lane. A tile keeps only every `step`-th source row.
struct FoldedAxis {
  int fold, window;
  int step;         // source rows between rows of a tile
  int output_rows;  // rows of a tile between outputs
  int window_rows;  // rows of a tile between window positions

  FoldedAxis(const Axis& axis, int fold_taps) : fold(fold_taps), window(ceil_div(axis.taps, fold_taps)) {
    const int window_step = window > 1 ? fold * axis.tap_step : 0;
    const int output_step = axis.outputs > 1 ? axis.output_step : 0;
    step = std::max(1, std::gcd(output_step, window_step));
    output_rows = axis.output_step / step;
    window_rows = window_step / step;
  }
  int extent(int outputs) const { return (outputs - 1) * output_rows + (window - 1) * window_rows + 1; }
};

// Whether every product of a source row and a tap belongs to an output, as in the gradient of a convolution without padding.
bool is_full(const Axis& axis) {
  const int reach = (axis.taps - 1) * axis.tap_step;
  return (axis.output_step == 1 || axis.outputs == 1) && axis.origin == -reach && axis.outputs == axis.source + reach;
}

// Pairs of an output and a tap whose source row exists.
int products(const Axis& axis) {
  int count = 0;
  for (int tap = 0; tap < axis.taps; tap++)
    for (int output = 0; output < axis.outputs; output++) {
      const int row = axis.origin + output * axis.output_step + tap * axis.tap_step;
      if (row >= 0 && row < axis.source) count++;
    }
  return count;
}

std::vector<int> folds(const Axis& axis) {
  std::vector<int> result = {1};
  if (axis.output_step > 1 && axis.output_step < axis.taps) result.push_back(axis.output_step);  // the stride's phases
  if (axis.taps > 1) result.push_back(axis.taps);
  return result;
}

struct Loop {
  int count, x, acc, vec;
};

// Drops loops of one step and joins neighbours that walk one straight line; writes them right-aligned. False if too many remain.
bool write_loops(const std::vector<Loop>& loops, multiply_descriptor& d) {
  std::vector<Loop> kept;
  for (const Loop& loop : loops) {
    if (loop.count == 1) continue;
    if (!kept.empty()) {
      Loop& outer = kept.back();
      const bool joined =
          outer.x == loop.count * loop.x && outer.acc == loop.count * loop.acc && outer.vec == loop.count * loop.vec;
      if (joined) {
        outer = {outer.count * loop.count, loop.x, loop.acc, loop.vec};
        continue;
      }
    }
    kept.push_back(loop);
  }
  if (kept.empty() || kept.back().vec != 0) kept.push_back({1, 0, 0, 0});  // the innermost loop never moves vec
  if (kept.size() > MULTIPLY_LOOPS) return false;
  kept.insert(kept.begin(), MULTIPLY_LOOPS - kept.size(), Loop{1, 0, 0, 0});
  for (int i = 0; i < MULTIPLY_LOOPS; i++) {
    d.count[i] = kept[i].count;
    d.x_stride[i] = kept[i].x;
    d.acc_stride[i] = kept[i].acc;
    d.vec_stride[i] = kept[i].vec;
  }
  return true;
}

// The loops over accumulators, of which each is cut in two: an inner part, and an outer one around the loops over sums. Between two
// visits of an accumulator lie as many steps as all inner parts make, at least `distance`. That is all that a board asks for, where any
// such nest takes the same time. In emulation, a core's nearest cache should hold what these steps go over, so the parts are chosen for
// which an estimate of lost cycles is least.
class Nest {
 public:
  Nest(std::vector<Loop> accumulators, std::vector<Loop> sums, const device::Recipe& recipe)
      : accumulators_(std::move(accumulators)), sums_(std::move(sums)), recipe_(recipe), parts_(accumulators_.size(), 1) {}

  // Writes the loops into `d`. False if there are more than a descriptor has.
  bool write(multiply_descriptor& d) {
    choose(0);
    if (best_.empty()) return false;
    std::vector<Loop> loops, inner;
    for (std::size_t i = 0; i < accumulators_.size(); i++) {
      const Loop& loop = accumulators_[i];
      const int part = best_[i];
      loops.push_back({loop.count / part, part * loop.x, part * loop.acc, part * loop.vec});
      inner.push_back({part, loop.x, loop.acc, loop.vec});
    }
    loops.insert(loops.end(), sums_.begin(), sums_.end());
    // The longest is the innermost, which has no restart to pay.
    std::stable_sort(inner.begin(), inner.end(),
                     [](const Loop& a, const Loop& b) { return std::pair(a.vec == 0, a.count) < std::pair(b.vec == 0, b.count); });
    loops.insert(loops.end(), inner.begin(), inner.end());
    return write_loops(loops, d);
  }

 private:
  static constexpr int kLine = 16;                   // floats that a cache fetches at once
  static constexpr double kLines = 512;              // that the nearest one has
  static constexpr double kMiss = 2, kRestart = 16;  // cycles

  void choose(std::size_t i) {
    if (i == parts_.size()) {
      const double cost = lost_cycles();
      if (best_.empty() ? cost < kNever : cost < least_) {
        least_ = cost;
        best_ = parts_;
      }
      return;
    }
    for (int part = 1; part <= accumulators_[i].count; part++)
      if (accumulators_[i].count % part == 0) {
        parts_[i] = part;
        choose(i + 1);
      }
  }

  // A step.
  double lost_cycles() const {
    double steps = 1, vec = 1, x = 1, innermost = 1;
    int loops = 0;
    for (const Loop& sum : sums_) loops += sum.count > 1;
    for (std::size_t i = 0; i < parts_.size(); i++) {
      const Loop& loop = accumulators_[i];
      const int part = parts_[i];
      loops += (part > 1) + (loop.count > part);
      steps *= part;
      if (loop.vec != 0) vec *= part;
      if (loop.vec == 0) innermost = std::max(innermost, double(part));
      x *= 1 + (part - 1) * std::min(1.0, double(loop.x) / kLine);
    }
    if (steps < recipe_.acc_distance || loops > MULTIPLY_LOOPS) return kNever;
    // Words of x and vec are others in each round; the accumulators stay, if there is room for them.
    const double word_lines = double(recipe_.pe_columns) / kLine, accumulators = steps * recipe_.pe_rows * word_lines,
                 others = (vec * word_lines + x * recipe_.pe_rows) * recipe_.pe_depth;
    const double lines = accumulators + others;
    return kMiss * std::max(0.0, lines - kLines) / steps + kRestart / innermost;
  }

  static constexpr double kNever = std::numeric_limits<double>::infinity();
  const std::vector<Loop> accumulators_, sums_;
  const device::Recipe& recipe_;
  std::vector<int> parts_, best_;
  double least_ = kNever;
};

class Planner {
 public:
  Planner(const device::Recipe& recipe, const Contraction& contraction)
      : recipe_(recipe),
        c_(contraction),
        lane_banks_(contraction.weights_pass ? recipe.pe_rows : recipe.pe_depth),
        image_banks_(contraction.weights_pass ? recipe.pe_depth : recipe.pe_rows) {}

  Plan best() {
    for (int fold_h : folds(c_.height))
      for (int fold_w : folds(c_.width)) {
        const FoldedAxis height(c_.height, fold_h), width(c_.width, fold_w);
        const int all_words = ceil_div(c_.columns, recipe_.pe_columns);
        int previous = 0;
        for (int tiles = 1; tiles <= all_words; tiles++) {
          const int column_words = ceil_div(all_words, tiles);
          if (column_words == previous) continue;
          previous = column_words;
          try_tiles(height, width, column_words);
          if (fold_h == 1 && fold_w == 1) try_scattering(height, width, column_words);
        }
      }
    if (!found_)
      throw device::Error("multiply grid of recipe '" + recipe_.name + "': no tile of a " + std::to_string(c_.height.taps) + "x" +
                          std::to_string(c_.width.taps) + " kernel fits x_words " + std::to_string(recipe_.x_words) +
                          "; enlarge x_words in the recipe");
    best_.utilization = useful_cycles() / best_.cycles;
    return best_;
  }

 private:
  void try_tiles(const FoldedAxis& height, const FoldedAxis& width, int column_words) {
    const Axis& h = c_.height;
    const Axis& w = c_.width;
    int previous_columns = 0;
    for (int width_tiles = 1; width_tiles <= w.outputs; width_tiles++) {
      const int columns = ceil_div(w.outputs, width_tiles);
      if (columns == previous_columns) continue;
      previous_columns = columns;
      bool fits = false;
      int previous_rows = 0;
      for (int row_tiles = 1; row_tiles <= h.outputs; row_tiles++) {
        const int rows = ceil_div(h.outputs, row_tiles);
        if (rows == previous_rows) continue;
        previous_rows = rows;
        const bool whole_plane = row_tiles == 1 && width_tiles == 1;
        const int image_groups = ceil_div(c_.images, image_banks_);
        int previous_groups = 0;
        for (int image_tiles = whole_plane ? 1 : image_groups; image_tiles <= image_groups; image_tiles++) {
          const int groups = ceil_div(image_groups, image_tiles);
          if (groups == previous_groups) continue;
          previous_groups = groups;
          if (try_tile(height, width, column_words, rows, columns, groups)) fits = true;
        }
      }
      if (fits) return;  // narrower tiles only load more
    }
  }

  // Where outputs reach beyond the source, most of what they gather there are zeros. Then the nest walks over the source instead and
  // adds each pixel's products to all outputs that they belong to, which takes whole images.
  void try_scattering(const FoldedAxis& height, const FoldedAxis& width, int column_words) {
    const Axis& h = c_.height;
    const Axis& w = c_.width;
    if (c_.weights_pass || !is_full(h) || !is_full(w) || (h.taps == 1 && w.taps == 1)) return;
    const int image_groups = ceil_div(c_.images, image_banks_);
    for (int tiles = 1; tiles <= image_groups; tiles++)
      if (try_tile(height, width, column_words, h.outputs, w.outputs, ceil_div(image_groups, tiles), true)) return;
  }

  // One choice of tile, `column_words` of the grid's columns wide; keeps it if it is the best so far. False if it doesn't fit.
  bool try_tile(const FoldedAxis& height, const FoldedAxis& width, int column_words, int rows, int columns, int image_groups,
                bool scatters = false) {
    const int window = height.window * width.window;
    const int channel_lanes = height.fold * width.fold;
    const int lanes = c_.channels * channel_lanes;
    const bool weights = c_.weights_pass;

    // Tiles of few accumulators are stretched until one comes back late enough: by columns nobody stores, or (weights pass) by
    // keeping several partial sums, which rows take in turn.
    int parts = 1;
    if (!weights && !scatters)
      while (column_words * image_groups * rows * columns < recipe_.acc_distance) columns++;

    const int tile_width = round_up(scatters ? c_.width.source : width.extent(columns), recipe_.load_words);
    const auto rows_of = [&](int outputs) { return scatters ? c_.height.source : height.extent(outputs); };
    const auto words_of = [&](int tile_rows) { return image_groups * tile_rows * tile_width; };
    const int pixel_capacity = weights ? recipe_.vec_words : recipe_.acc_words;
    const int lane_capacity = weights ? recipe_.acc_words : recipe_.vec_words;
    if (column_words * image_groups * rows * columns > pixel_capacity) return false;

    // As few blocks of lanes as fit, and those of equal size; none where there are no channels: then dst is the bias.
    const int lane_groups = ceil_div(lanes, lane_banks_);
    const int most_groups = std::min(recipe_.x_words / words_of(rows_of(rows)), lane_capacity / (column_words * window));
    if (most_groups < 1) return false;
    const int blocks = ceil_div(lane_groups, most_groups);
    const int block_groups = blocks > 0 ? ceil_div(lane_groups, blocks) : 0;

    if (weights) {
      parts = ceil_div(recipe_.acc_distance, column_words * window * block_groups);
      rows = round_up(rows, parts);
      if (column_words * image_groups * rows * columns > pixel_capacity) return false;
      if (parts * column_words * window * block_groups > lane_capacity) return false;
      if (block_groups * words_of(rows_of(rows)) > recipe_.x_words) return false;
    }
    const int tile_rows = rows_of(rows);
    const int row_tiles = ceil_div(c_.height.outputs, rows), width_tiles = ceil_div(c_.width.outputs, columns);
    const int image_tiles = ceil_div(ceil_div(c_.images, image_banks_), image_groups);
    const int column_tiles = ceil_div(c_.columns, column_words * recipe_.pe_columns);
    const int vectors = column_words * recipe_.pe_columns / kVector;

    // Cycles of one visit: vec is loaded, then the grid works while the next tile of x is loaded, then results are stored; and what loops
    // take to fill and to drain.
    const double pixels = double(image_groups) * rows * columns;
    // Lanes that fill up the only block are loaded once.
    const int loaded = blocks > 1 ? block_groups * lane_banks_ : lanes;
    const double x_load = double(loaded) * image_banks_ * words_of(tile_rows) / recipe_.load_words;
    const int walked = scatters ? c_.height.source * c_.width.source : rows * columns;
    const double steps = double(window) * block_groups * column_words * image_groups * walked;
    // Raw columns are read 16 words at a time, whether a lane has as many or not.
    const int read_window = c_.raw == RawWeights::kColumns ? round_up(window, kVector) : window;
    const double weight_words = double(read_window) * block_groups * lane_banks_ * vectors;
    double tile_cycles, once_cycles;
    if (weights) {
      tile_cycles = kDrain + std::max(x_load, steps) + image_banks_ * vectors * pixels;
      once_cycles = weight_words * parts;
    } else {
      tile_cycles = kDrain + std::max(x_load, steps) + (blocks > 1 ? weight_words : 0);
      once_cycles = blocks > 1 ? 0 : weight_words;
    }
    const double store = weights ? 0 : image_banks_ * vectors * pixels;

    // The units share the groups, the column tiles or the tiles of pixels: whichever leaves the busiest unit least to do. In the
    // weights pass units that share pixels make a partial gradient each.
    const int units = recipe_.compute_units;
    // Raw gradients have no room for partial ones.
    const bool is_raw = c_.raw != RawWeights::kPacked;
    const bool whole = weights && is_raw;
    const double never = std::numeric_limits<double>::infinity();
    const auto share = [&](int count) { return double(ceil_div(count, units)); };
    const double pixel_tiles = double(image_tiles) * row_tiles * width_tiles;
    const auto cost = [&](double groups, double col_tiles, double tiles, double partials) {
      const double block_cost =
          weights ? blocks * (tiles * tile_cycles + once_cycles) : tiles * (blocks * tile_cycles + store) + once_cycles;
      return x_load + groups * col_tiles * block_cost +
             (weights && !whole ? partials * packed_words(blocks, block_groups, window, vectors, column_tiles) : 0);
    };
    const double rest_images = double(row_tiles) * width_tiles, rest_rows = double(image_tiles) * width_tiles,
                 rest_width = double(image_tiles) * row_tiles;
    const double costs[] = {cost(share(c_.groups), column_tiles, pixel_tiles, 1),
                            cost(c_.groups, share(column_tiles), pixel_tiles, 1),
                            whole ? never : cost(c_.groups, column_tiles, share(image_tiles) * rest_images, units),
                            whole ? never : cost(c_.groups, column_tiles, share(row_tiles) * rest_rows, units),
                            whole ? never : cost(c_.groups, column_tiles, share(width_tiles) * rest_width, units)};
    const int split = int(std::min_element(std::begin(costs), std::end(costs)) - std::begin(costs));
    const double cycles = costs[split];
    if (found_ && cycles >= best_.cycles) return true;

    multiply_descriptor d = {};
    d.weights_pass = weights;
    d.images = c_.images;
    d.image_stride = c_.image_stride;
    d.image_floats = c_.image_floats;
    d.height = c_.height.source;
    d.width = c_.width.source;
    d.group_channels = c_.channels;
    d.fold_h = height.fold;
    d.fold_w = width.fold;
    d.lane_step_h = c_.height.tap_step;
    d.lane_step_w = c_.width.tap_step;
    d.origin_h = scatters ? 0 : c_.height.origin;
    d.origin_w = scatters ? 0 : c_.width.origin;
    d.output_step_h = c_.height.output_step;
    d.output_step_w = c_.width.output_step;
    d.row_step = height.step;
    d.column_step = width.step;
    d.tile_rows = tile_rows;
    d.tile_width = tile_width;
    d.lane_blocks = blocks;
    d.lanes = block_groups * lane_banks_;
    d.lane_groups = block_groups;
    d.image_groups = image_groups;
    d.rows = rows;
    d.columns = columns;
    d.output_height = c_.height.outputs;
    d.output_width = c_.width.outputs;
    d.vectors = vectors;
    d.window = window;
    d.group_columns = c_.columns;
    d.parts = parts;
    d.plane = c_.height.plane * c_.width.plane;
    d.plane_origin = c_.height.plane_origin * c_.width.plane + c_.width.plane_origin;
    d.plane_row_step = c_.height.plane_step * c_.width.plane;
    d.plane_column_step = c_.width.plane_step;
    d.output_image = c_.groups * c_.columns * d.plane;
    d.rows_contiguous =
        columns == c_.width.outputs && columns == c_.width.plane && d.plane_row_step == columns && d.plane_column_step == 1;
    const int packed_tile = window * blocks * d.lanes * vectors * kVector, packed_group = column_tiles * packed_tile;
    if (is_raw) {
      // A row for each tap of each channel; only the taps of one axis are more than one, and all or none are folded.
      const int taps = c_.height.taps * c_.width.taps, row = c_.raw == RawWeights::kRows ? c_.columns : 1;
      d.weights = c_.raw == RawWeights::kRows ? MULTIPLY_ROWS : MULTIPLY_COLUMNS;
      d.weights_rows = c_.raw_rows;
      d.weights_group = c_.raw_rows * c_.columns;
      d.weights_tile = vectors * kVector * (c_.raw == RawWeights::kRows ? 1 : c_.raw_rows);
      d.weights_window = row;
      d.weights_lane = (window > 1 ? taps : 1) * row;
    } else {
      d.weights = MULTIPLY_PACKED;
      d.weights_tile = packed_tile;
      d.weights_group = packed_group;
      d.weights_window = blocks * d.lanes * vectors * kVector;
      d.weights_lane = vectors * kVector;
    }

    const int tile_plane = tile_rows * tile_width, row = height.output_rows * tile_width, column = width.output_rows;
    d.vec_vector = weights ? image_groups * rows * columns : window * block_groups;
    d.acc_vector = weights ? window * block_groups : image_groups * rows * columns;
    const Loop of_columns = {column_words, 0, d.acc_vector, d.vec_vector};
    bool written = false;
    if (weights) {
      written = Nest({{parts, row, column_words * d.acc_vector, columns},
                      of_columns,
                      {std::max(1, block_groups), image_groups * tile_plane, 1, 0},
                      {height.window, height.window_rows * tile_width, width.window * block_groups, 0},
                      {width.window, width.window_rows, block_groups, 0}},
                     {{image_groups, tile_plane, 0, rows * columns},
                      {rows / parts, parts * row, 0, parts * columns},
                      {columns, column, 0, 1}},
                     recipe_)
                    .write(d);
    } else if (scatters) {
      written = write_loops({{height.window, 0, c_.height.tap_step * columns, width.window * block_groups},
                             {width.window, 0, c_.width.tap_step, block_groups},
                             {std::max(1, block_groups), image_groups * tile_plane, 0, 1},
                             of_columns,
                             {image_groups, tile_plane, rows * columns, 0},
                             {c_.height.source, tile_width, columns, 0},
                             {c_.width.source, 1, 1, 0}},
                            d);
    } else {
      written = Nest({of_columns, {image_groups, tile_plane, rows * columns, 0}, {rows, row, columns, 0}, {columns, column, 1, 0}},
                     {{height.window, height.window_rows * tile_width, 0, width.window * block_groups},
                      {width.window, width.window_rows, 0, block_groups},
                      {std::max(1, block_groups), image_groups * tile_plane, 0, 1}},
                     recipe_)
                    .write(d);
    }
    if (!written) return false;
    if (scatters && run_nest(d).revisit_distance < recipe_.acc_distance) return false;

    found_ = true;
    best_ = {};
    best_.descriptor = d;
    best_.fold_h = height.fold;
    best_.fold_w = width.fold;
    best_.window_h = height.window;
    best_.window_w = width.window;
    best_.lanes = blocks * d.lanes;
    best_.column_tiles = column_tiles;
    best_.packed_floats = is_raw ? 0 : std::size_t(c_.groups) * packed_group;
    best_.cycles = cycles;
    best_.scatters = scatters;
    best_.walked = walked;
    const int counts[] = {c_.groups, column_tiles, image_tiles, row_tiles, width_tiles};
    best_.units = split_work(counts, split, best_.packed_floats);
    best_.partials = weights && split >= 2 ? int(best_.units.size()) : 1;
    return true;
  }

  double packed_words(int blocks, int block_groups, int window, int vectors, int column_tiles) const {
    return double(c_.groups) * column_tiles * blocks * block_groups * lane_banks_ * window * vectors;
  }

  std::vector<multiply_range> split_work(const int (&counts)[5], int split, std::size_t packed_floats) const {
    std::vector<multiply_range> ranges;
    const int size = ceil_div(counts[split], recipe_.compute_units);
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
      r.dst_offset = c_.weights_pass && split >= 2 ? int(ranges.size() * packed_floats) : 0;
      ranges.push_back(r);
    }
    return ranges;
  }

  // Cycles of all useful multiply-adds on all units' grids.
  double useful_cycles() const {
    const double multiplies = double(c_.images) * c_.groups * c_.columns * c_.channels * products(c_.height) * products(c_.width);
    return multiplies / (double(recipe_.pe_rows) * recipe_.pe_depth * recipe_.pe_columns * recipe_.compute_units);
  }

  // An estimate, until a report of Intel's compiler has the depth of the kernel's pipelines. Few large tiles are better than many.
  static constexpr double kDrain = 100;
  const device::Recipe& recipe_;
  const Contraction& c_;
  const int lane_banks_, image_banks_;
  bool found_ = false;
  Plan best_ = {};
};

weights_layout layout_of(const Plan& plan, const GridPass& pass) {
  const Contraction& contraction = pass.contraction;
  const RawLayout& raw = pass.layout;
  weights_layout w = {};
  w.groups = contraction.groups;
  w.columns = contraction.columns;
  w.group = raw.group;
  w.column = raw.column;
  w.outer = raw.outer;
  w.outer_count = raw.outer_count;
  w.element_count = raw.element_count;
  w.taps_h = raw.taps_h;
  w.taps_w = raw.taps_w;
  w.channel_words = plan.fold_h * plan.fold_w;
  w.vectors = plan.descriptor.vectors;
  w.packed_group = plan.descriptor.weights_group;
  w.packed_tile = plan.descriptor.weights_tile;
  w.partials = plan.partials;
  w.partial_floats = int(plan.packed_floats);
  w.end_vector = contraction.groups * ceil_div(contraction.columns, kVector);
  return w;
}

std::vector<int> tap_words(const Plan& plan, const RawLayout& raw) {
  std::vector<int> words;
  // Scattering takes the taps in reverse: the first one reaches furthest.
  const auto window_of = [&](int tap, int fold, int window) { return plan.scatters ? window - 1 - tap : tap / fold; };
  for (int tap : raw.tap_h)
    words.push_back(
        tap < 0 ? -1 : window_of(tap, plan.fold_h, plan.window_h) * plan.window_w * plan.lanes + (tap % plan.fold_h) * plan.fold_w);
  for (int tap : raw.tap_w)
    words.push_back(tap < 0 ? -1 : window_of(tap, plan.fold_w, plan.window_w) * plan.lanes + tap % plan.fold_w);
  return words;
}

}  // namespace

Plan plan(const device::Recipe& recipe, const Contraction& contraction) { return Planner(recipe, contraction).best(); }

NestReport run_nest(const multiply_descriptor& d) {
  std::vector<int> last_step;
  NestReport report = {0, std::numeric_limits<int>::max(), 0, 0, 0};
  int at[MULTIPLY_LOOPS] = {};
  while (true) {
    int x = 0, vec = 0, acc = 0;
    for (int i = 0; i < MULTIPLY_LOOPS; i++) {
      x += at[i] * d.x_stride[i];
      vec += at[i] * d.vec_stride[i];
      acc += at[i] * d.acc_stride[i];
    }
    report.x_words = std::max(report.x_words, x + 1);
    report.vec_words = std::max(report.vec_words, vec + 1);
    report.acc_words = std::max(report.acc_words, acc + 1);
    if (acc >= int(last_step.size())) last_step.resize(acc + 1, -1);
    if (last_step[acc] >= 0) report.revisit_distance = std::min(report.revisit_distance, report.steps - last_step[acc]);
    last_step[acc] = report.steps++;
    int i = MULTIPLY_LOOPS - 1;
    while (i >= 0 && ++at[i] == d.count[i]) at[i--] = 0;
    if (i < 0) return report;
  }
}

// --- weights ---

namespace {

template <typename T>
device::Buffer uploaded(device::Program& program, const std::vector<T>& values) {
  device::Buffer buffer = program.device().allocate(sizeof(T) * values.size());
  program.device().upload(buffer, values.data(), sizeof(T) * values.size());
  return buffer;
}

// Columns and lanes that pad a tile stay zero. Uploaded, because oclgrind takes a filled buffer for uninitialised.
device::Buffer zeros(device::Program& program, std::size_t floats) { return uploaded(program, std::vector<float>(floats)); }

std::size_t raw_floats(const weights_layout& layout) {
  return std::size_t(layout.groups) * layout.columns * layout.outer_count * layout.element_count;
}

}  // namespace

std::size_t PackedWeights::add(const Plan& plan, const GridPass& pass) {
  weights_layout layout = layout_of(plan, pass);
  const std::vector<int> words = tap_words(plan, pass.layout);
  layout.first_tap = int(words_.size());
  layout.packed_start = int(floats_);
  layout.first_vector = layouts_.empty() ? 0 : layouts_.back().end_vector;
  layout.end_vector += layout.first_vector;
  layouts_.push_back(layout);
  words_.insert(words_.end(), words.begin(), words.end());
  floats_ += plan.packed_floats;
  packed_ = device::Buffer();
  return std::size_t(layout.packed_start);
}

void PackedWeights::allocate() {
  packed_ = zeros(program_, floats_);
  taps_ = uploaded(program_, words_);
  on_device_ = uploaded(program_, layouts_);
  packed_version_ = 0;
}

const device::Buffer& PackedWeights::pack(const device::Buffer& raw) {
  using device::Argument;
  if (!packed_) allocate();
  if (packed_version_ != raw.version()) {
    launch_shares(program_, "pack_weights_",
                  {Argument::in(raw), Argument::in(taps_), Argument::in(on_device_), Argument::inout(packed_)},
                  layouts_.back().end_vector, 1, double(floats_));
    packed_version_ = raw.version();
  }
  return packed_;
}

// --- launches of the grid ---

GridJobs::GridJobs(device::Program& program, const std::vector<Plan>& plans)
    : jobs_(device::Argument::in(program.device().unused())) {
  std::vector<multiply_job> jobs;
  for (std::size_t unit = 0; unit < std::size_t(program.recipe().compute_units); unit++) {
    for (const Plan& plan : plans)
      if (unit < plan.units.size()) jobs.push_back({plan.descriptor, plan.units[unit]});
    ends_.push_back(int(jobs.size()));
  }
  jobs_ = device::Argument::in(uploaded(program, jobs));
}

std::vector<device::Launch> GridJobs::launches(const device::Argument& src, const device::Argument& operand,
                                               const device::PostOps& post_ops, const device::Argument& dst, bool adds) const {
  using device::Argument;
  const Argument scale = post_ops.scale.value_or(operand), offset = post_ops.offset.value_or(operand);
  const Argument store = Argument::value(as_store(post_ops, adds));
  std::vector<device::Launch> group;
  int begin = 0;
  for (std::size_t unit = 0; unit < ends_.size(); unit++) {
    if (ends_[unit] > begin)
      group.push_back({"multiply_" + std::to_string(unit),
                       int(unit),
                       {src, operand, scale, offset, dst, jobs_, Argument::value(begin), Argument::value(ends_[unit]), store}});
    begin = ends_[unit];
  }
  return group;
}

OutputsPass::OutputsPass(device::Program& program, const std::vector<GridPass>& passes, PackedWeights& packed)
    : program_(program), packed_(packed) {
  std::vector<Plan> plans;
  for (const GridPass& pass : passes) {
    plans.push_back(plan(program.recipe(), pass.contraction));
    if (plans.back().packed_floats == 0) continue;
    packs_ = true;
    plans.back().descriptor.weights_start = int(packed.add(plans.back(), pass));
  }
  jobs_.emplace(program, plans);
  const Contraction& all = passes.front().contraction;
  images_ = all.images;
  channels_ = all.groups * all.columns;
}

void OutputsPass::run(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst) {
  using device::Argument;
  const device::Buffer& operand = packs_ ? packed_.pack(weights) : weights;
  device::PostOps post_ops;
  if (bias != nullptr) post_ops.offset = Argument::in(*bias);
  program_.launch_deferred(
      {Argument::out(dst), images_, channels_, post_ops,
       [jobs = *jobs_, src = Argument::in(src), operand = Argument::in(operand)](const device::PostOps& fused, const Argument& to) {
         return jobs.launches(src, operand, fused, to);
       }});
}

namespace {

// What parameter_gradients_* reads and writes of weights.
struct WeightsOperands {
  device::Argument packed, taps, raw;
};

// Each unit takes a share of the weights' vectors and one of the bias's outputs.
void add_gradients(device::Program& program, const WeightsOperands& weights, const weights_layout& layout, bool adds,
                   const BiasGradient* bias) {
  using device::Argument;
  bias_sums sums = {};
  if (bias != nullptr) {
    sums = {bias->images, bias->outputs, bias->plane, 1};
    if (program.device().take_zero(bias->diff_bias, sizeof(float) * bias->outputs)) sums.adds = 0;
  }
  const int grain = sums.plane == 1 ? kVector : 1;
  const double floats = double(raw_floats(layout)) + double(sums.images) * sums.outputs * sums.plane;
  const int units = units_for(program.recipe(), floats);
  const std::vector<UnitRange> vectors = share_out(layout.end_vector, units),
                               outputs = share_out(ceil_div(sums.outputs, grain), units);
  std::vector<device::Launch> group;
  for (std::size_t unit = 0; unit < std::max(vectors.size(), outputs.size()); unit++) {
    const UnitRange of_weights = unit < vectors.size() ? vectors[unit] : UnitRange{0, 0};
    const UnitRange of_bias = unit < outputs.size() ? outputs[unit] : UnitRange{0, 0};
    group.push_back({"parameter_gradients_" + std::to_string(unit),
                     int(unit),
                     {weights.packed, weights.taps, weights.raw, Argument::value(layout), Argument::value(adds ? 1 : 0),
                      bias != nullptr ? Argument::in(bias->diff_dst) : weights.packed,
                      bias != nullptr ? Argument::inout(bias->diff_bias) : weights.raw, Argument::value(sums),
                      Argument::value(of_weights.begin), Argument::value(of_weights.end), Argument::value(of_bias.begin * grain),
                      Argument::value(std::min(of_bias.end * grain, sums.outputs))}});
  }
  program.launch(group);
}

}  // namespace

PackedGradient::PackedGradient(device::Program& program, const Plan& plan, const GridPass& pass)
    : program_(program),
      layout_(layout_of(plan, pass)),
      packed_(zeros(program, plan.packed_floats * plan.partials)),
      taps_(uploaded(program, tap_words(plan, pass.layout))) {}

std::size_t PackedGradient::raw_floats() const { return ops::raw_floats(layout_); }

void PackedGradient::add_to(device::Buffer& raw, bool adds, const BiasGradient* bias) {
  using device::Argument;
  add_gradients(program_, {Argument::in(packed_), Argument::in(taps_), Argument::inout(raw)}, layout_, adds, bias);
}

void bias_gradient(device::Program& program, const BiasGradient& bias) {
  const device::Argument none = device::Argument::in(program.device().unused());
  add_gradients(program, {none, none, none}, {}, false, &bias);
}

WeightsPass::WeightsPass(device::Program& program, const GridPass& pass) : program_(program) {
  const Contraction& c = pass.contraction;
  const Plan plan = ops::plan(program.recipe(), c);
  if (c.raw == RawWeights::kPacked) packed_.emplace(program, plan, pass);
  raw_floats_ = packed_ ? packed_->raw_floats() : std::size_t(c.groups) * c.raw_rows * c.columns;
  jobs_.emplace(program, std::vector<Plan>{plan});
}

void WeightsPass::run(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                      const BiasGradient* bias) {
  using device::Argument;
  const bool adds = !program_.device().take_zero(diff_weights, sizeof(float) * raw_floats_);
  if (packed_) {
    program_.launch(jobs_->launches(Argument::in(src), Argument::in(diff_dst), {}, Argument::out(packed_->packed())));
    return packed_->add_to(diff_weights, adds, bias);
  }
  program_.launch(jobs_->launches(Argument::in(src), Argument::in(diff_dst), {}, Argument::inout(diff_weights), adds));
  if (bias != nullptr) bias_gradient(program_, *bias);
}

}  // namespace barista::ops
