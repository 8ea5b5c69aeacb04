#include "plan/multiply_tile.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>

#include "plan/loop_nest.hpp"
#include "plan/ranges.hpp"

namespace barista::plan {
namespace {

// An estimate, until a report of Intel's compiler has the depth of the kernel's pipelines. Few large tiles are better than many.
constexpr double kDrain = 100;

// Rows of x that a tile of `outputs` rows keeps.
int source_rows(const Contraction& c, const TileChoice& choice, int outputs) {
  return choice.scatters ? c.height.source : choice.height.extent(outputs);
}

// Cycles of the parts of a tile's work.
struct Stages {
  double x_load;     // of the first tile iteration, before which the array has nothing to do
  double iteration;  // vec is loaded, then the array works while the next tile of x is loaded; with filling and draining of loops
  double once;       // of a tile of columns: what stays from one tile of pixels to the next
  double store;      // of outputs
  double partials;   // of adding up one partial gradient
};

Stages stages(const Recipe& recipe, const Contraction& c, const Tile& t) {
  const int lane_count = lane_banks(recipe, c), image_count = image_banks(recipe, c), image_groups = t.choice.image_groups;
  const double pixels = double(image_groups) * t.choice.rows * t.choice.columns;
  // Lanes that fill up the only block are loaded once.
  const int loaded = t.blocks > 1 ? t.block_groups * lane_count : t.lanes;
  const double steps = double(t.window()) * t.block_groups * t.choice.column_words * image_groups * walked_pixels(c, t);
  // Columns of weights that are not packed are read 16 words at a time, whether a lane has as many or not.
  const int read_window = c.layout == WeightsLayout::kColumns ? round_up(t.window(), kVector) : t.window();
  const double weights = double(read_window) * t.block_groups * lane_count * t.vectors;

  Stages s = {};
  s.x_load = double(loaded) * image_count * (image_groups * t.rows * t.width) / recipe.load_words;
  const double overlapped = kDrain + std::max(s.x_load, steps);
  if (c.weights_pass) {
    s.iteration = overlapped + image_count * t.vectors * pixels;
    s.once = weights * t.parts;
  } else {
    s.iteration = overlapped + (t.blocks > 1 ? weights : 0);
    s.once = t.blocks > 1 ? 0 : weights;
    s.store = image_count * t.vectors * pixels;
  }
  if (c.weights_pass && c.layout == WeightsLayout::kPacked)
    s.partials = double(c.groups) * t.column_tiles * t.blocks * t.block_groups * lane_count * t.window() * t.vectors;
  return s;
}

void describe_source(const Contraction& c, const Tile& t, multiply_descriptor& d) {
  const TileChoice& choice = t.choice;
  d.images = c.images;
  d.image_stride = c.image_stride;
  d.image_floats = c.image_floats;
  d.height = c.height.source;
  d.width = c.width.source;
  d.group_channels = c.channels;
  d.fold_h = choice.height.fold;
  d.fold_w = choice.width.fold;
  d.lane_step_h = c.height.tap_step;
  d.lane_step_w = c.width.tap_step;
  d.origin_h = choice.scatters ? 0 : c.height.origin;
  d.origin_w = choice.scatters ? 0 : c.width.origin;
  d.output_step_h = c.height.output_step;
  d.output_step_w = c.width.output_step;
  d.row_step = choice.height.step;
  d.column_step = choice.width.step;
  d.tile_rows = t.rows;
  d.tile_width = t.width;
}

void describe_outputs(const Contraction& c, const Tile& t, multiply_descriptor& d) {
  d.image_groups = t.choice.image_groups;
  d.rows = t.choice.rows;
  d.columns = t.choice.columns;
  d.output_height = c.height.outputs;
  d.output_width = c.width.outputs;
  d.vectors = t.vectors;
  d.window = t.window();
  d.group_columns = c.columns;
  d.parts = t.parts;
  d.plane = c.height.plane * c.width.plane;
  d.plane_origin = c.height.plane_origin * c.width.plane + c.width.plane_origin;
  d.plane_row_step = c.height.plane_step * c.width.plane;
  d.plane_column_step = c.width.plane_step;
  d.output_image = c.groups * c.columns * d.plane;
  d.rows_contiguous =
      d.columns == c.width.outputs && d.columns == c.width.plane && d.plane_row_step == d.columns && d.plane_column_step == 1;
}

void describe_weights(const Recipe& recipe, const Contraction& c, const Tile& t, multiply_descriptor& d) {
  if (c.layout == WeightsLayout::kPacked) {
    d.weights = MULTIPLY_PACKED;
    d.weights_group = packed_group_size(recipe, c, t);
    d.weights_tile = d.weights_group / t.column_tiles;
    d.weights_window = t.blocks * d.lanes * t.vectors * kVector;
    d.weights_lane = t.vectors * kVector;
    return;
  }
  // A row for each tap of each channel; only the taps of one axis are more than one, and all or none are folded.
  const bool in_rows = c.layout == WeightsLayout::kRows;
  const int taps = c.height.taps * c.width.taps, row = in_rows ? c.columns : 1;
  d.weights = in_rows ? MULTIPLY_ROWS : MULTIPLY_COLUMNS;
  d.weights_rows = c.weights_rows;
  d.weights_group = c.weights_rows * c.columns;
  d.weights_tile = t.vectors * kVector * (in_rows ? 1 : c.weights_rows);
  d.weights_window = row;
  d.weights_lane = (t.window() > 1 ? taps : 1) * row;
}

// Writes the loops. False where they don't keep the accumulators' distance.
bool describe_nest(const Recipe& recipe, const Contraction& c, const Tile& t, multiply_descriptor& d) {
  const FoldedAxis &height = t.choice.height, &width = t.choice.width;
  const int rows = t.choice.rows, columns = t.choice.columns, image_groups = t.choice.image_groups;
  const int tile_plane = t.rows * t.width, row = height.output_rows * t.width, column = width.output_rows;
  const int pixels = image_groups * rows * columns, weights = t.window() * t.block_groups,
            lane_groups = std::max(1, t.block_groups);
  d.vec_vector = c.weights_pass ? pixels : weights;
  d.acc_vector = c.weights_pass ? weights : pixels;
  const Loop of_columns = {t.choice.column_words, 0, d.acc_vector, d.vec_vector};
  if (c.weights_pass)
    return write_nest(recipe,
                      {{t.parts, row, t.choice.column_words * d.acc_vector, columns},
                       of_columns,
                       {lane_groups, image_groups * tile_plane, 1, 0},
                       {height.window, height.window_rows * t.width, width.window * t.block_groups, 0},
                       {width.window, width.window_rows, t.block_groups, 0}},
                      {{image_groups, tile_plane, 0, rows * columns},
                       {rows / t.parts, t.parts * row, 0, t.parts * columns},
                       {columns, column, 0, 1}},
                      d);
  if (!t.choice.scatters)
    return write_nest(recipe,
                      {of_columns, {image_groups, tile_plane, rows * columns, 0}, {rows, row, columns, 0}, {columns, column, 1, 0}},
                      {{height.window, height.window_rows * t.width, 0, width.window * t.block_groups},
                       {width.window, width.window_rows, 0, t.block_groups},
                       {lane_groups, image_groups * tile_plane, 0, 1}},
                      d);
  return write_loops({{height.window, 0, c.height.tap_step * columns, width.window * t.block_groups},
                      {width.window, 0, c.width.tap_step, t.block_groups},
                      {lane_groups, image_groups * tile_plane, 0, 1},
                      of_columns,
                      {image_groups, tile_plane, rows * columns, 0},
                      {c.height.source, t.width, columns, 0},
                      {c.width.source, 1, 1, 0}},
                     d) &&
         run_nest(d).revisit_distance >= recipe.acc_distance;
}

}  // namespace

FoldedAxis::FoldedAxis(const Axis& axis, int fold_taps) : fold(fold_taps), window(ceil_div(axis.taps, fold_taps)) {
  const int window_step = window > 1 ? fold * axis.tap_step : 0;
  const int output_step = axis.outputs > 1 ? axis.output_step : 0;
  step = std::max(1, std::gcd(output_step, window_step));
  output_rows = axis.output_step / step;
  window_rows = window_step / step;
}

std::optional<Tile> fit(const Recipe& recipe, const Contraction& c, const TileChoice& choice) {
  Tile t = {choice};
  int &rows = t.choice.rows, &columns = t.choice.columns;
  const int words = choice.column_words * choice.image_groups;
  if (!c.weights_pass && !choice.scatters)
    while (words * rows * columns < recipe.acc_distance) columns++;

  t.lanes = c.channels * choice.height.fold * choice.width.fold;
  t.width = round_up(choice.scatters ? c.width.source : choice.width.extent(columns), recipe.load_words);
  const auto x_words = [&](int outputs) { return choice.image_groups * source_rows(c, choice, outputs) * t.width; };
  const int pixel_capacity = c.weights_pass ? recipe.vec_words : recipe.acc_words;
  const int lane_capacity = c.weights_pass ? recipe.acc_words : recipe.vec_words;
  if (words * rows * columns > pixel_capacity) return std::nullopt;

  // As few blocks of lanes as fit, and those of equal size; none where there are no channels: then dst is the bias.
  const int lane_words = choice.column_words * t.window();
  const int lane_groups = ceil_div(t.lanes, lane_banks(recipe, c));
  const int most_groups = std::min(recipe.x_words / x_words(rows), lane_capacity / lane_words);
  if (most_groups < 1) return std::nullopt;
  t.blocks = ceil_div(lane_groups, most_groups);
  t.block_groups = t.blocks > 0 ? ceil_div(lane_groups, t.blocks) : 0;

  if (c.weights_pass) {
    t.parts = ceil_div(recipe.acc_distance, lane_words * t.block_groups);
    rows = round_up(rows, t.parts);
    if (words * rows * columns > pixel_capacity) return std::nullopt;
    if (t.parts * lane_words * t.block_groups > lane_capacity) return std::nullopt;
    if (t.block_groups * x_words(rows) > recipe.x_words) return std::nullopt;
  }
  t.rows = source_rows(c, choice, rows);
  t.row_tiles = ceil_div(c.height.outputs, rows);
  t.width_tiles = ceil_div(c.width.outputs, columns);
  t.image_tiles = ceil_div(ceil_div(c.images, image_banks(recipe, c)), choice.image_groups);
  t.column_tiles = ceil_div(c.columns, choice.column_words * recipe.pe_columns);
  t.vectors = choice.column_words * recipe.pe_columns / kVector;
  return t;
}

int walked_pixels(const Contraction& c, const Tile& t) {
  return t.choice.scatters ? c.height.source * c.width.source : t.choice.rows * t.choice.columns;
}

int packed_group_size(const Recipe& recipe, const Contraction& c, const Tile& t) {
  return t.column_tiles * t.window() * t.blocks * t.block_groups * lane_banks(recipe, c) * t.vectors * kVector;
}

// The units share the groups, the column tiles or the tiles of pixels: whichever leaves the busiest unit least to do. In the
// weights pass units that share pixels make a partial gradient each, for which gradients that are not packed have no room.
TileCost cost(const Recipe& recipe, const Contraction& c, const Tile& t) {
  const Stages s = stages(recipe, c, t);
  const int units = recipe.compute_units;
  const bool one_gradient = c.weights_pass && c.layout != WeightsLayout::kPacked;
  const auto share = [&](int count) { return double(ceil_div(count, units)); };
  const auto cycles = [&](double groups, double column_tiles, double pixel_tiles, double partials) {
    const double of_columns = c.weights_pass ? t.blocks * (pixel_tiles * s.iteration + s.once)
                                             : pixel_tiles * (t.blocks * s.iteration + s.store) + s.once;
    return s.x_load + groups * column_tiles * of_columns + partials * s.partials;
  };
  const double never = std::numeric_limits<double>::infinity(), pixel_tiles = double(t.image_tiles) * t.row_tiles * t.width_tiles;
  const auto shared_pixels = [&](double tiles) { return one_gradient ? never : cycles(c.groups, t.column_tiles, tiles, units); };
  const double costs[] = {cycles(share(c.groups), t.column_tiles, pixel_tiles, 1),
                          cycles(c.groups, share(t.column_tiles), pixel_tiles, 1),
                          shared_pixels(share(t.image_tiles) * (double(t.row_tiles) * t.width_tiles)),
                          shared_pixels(share(t.row_tiles) * (double(t.image_tiles) * t.width_tiles)),
                          shared_pixels(share(t.width_tiles) * (double(t.image_tiles) * t.row_tiles))};
  const auto* least = std::min_element(std::begin(costs), std::end(costs));
  return {static_cast<Share>(least - std::begin(costs)), *least};
}

std::optional<multiply_descriptor> describe(const Recipe& recipe, const Contraction& c, const Tile& t) {
  multiply_descriptor d = {};
  d.weights_pass = c.weights_pass;
  d.lane_blocks = t.blocks;
  d.lanes = t.block_groups * lane_banks(recipe, c);
  d.lane_groups = t.block_groups;
  describe_source(c, t, d);
  describe_outputs(c, t, d);
  describe_weights(recipe, c, t, d);
  if (!describe_nest(recipe, c, t, d)) return std::nullopt;
  return d;
}

}  // namespace barista::plan
