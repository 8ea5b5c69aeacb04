#include "plan/grid_cost.hpp"

#include <algorithm>

#include "plan/multiply_tile.hpp"
#include "plan/ranges.hpp"

namespace barista::plan {
namespace {

using Count = std::int64_t;

// A job of multiply_*, counted as its loops run. A *tile of columns* is one of a group; each goes over all tiles of pixels, and
// over all blocks of lanes. Names are the kernel's.
class JobCost {
 public:
  JobCost(const Recipe& recipe, const multiply_descriptor& d, const multiply_range& r, bool offsets)
      : recipe_(recipe),
        d_(d),
        r_(r),
        offsets_(offsets),
        banks_(d.weights_pass ? recipe.pe_depth : recipe.pe_rows),
        groups_(r.group_end - r.group_begin),
        column_tiles_(groups_ * (r.column_end - r.column_begin)),
        pixel_tiles_(Count(r.image_end - r.image_begin) * (r.row_end - r.row_begin) * (r.width_end - r.width_begin)) {
    for (int i = r.image_begin; i < r.image_end; i++)
      images_ += clip(i * d.image_groups * banks_, (i + 1) * d.image_groups * banks_, d.images).size();
    for (int i = r.column_begin; i < r.column_end; i++) {
      const int there = std::min(d.group_columns - i * d.vectors * kVector, d.vectors * kVector);
      columns_ += groups_ * there;
      column_vectors_ += groups_ * ceil_div(there, kVector);
    }
  }

  Cost count() {
    clear();
    multiply_and_load_x();
    if (!d_.weights_pass) {
      d_.weights == MULTIPLY_COLUMNS ? load_columns() : load_weights();
      store_outputs();
    } else {
      d_.plane == 1 ? load_pixels() : load_planes();
      store_gradients();
    }
    return cost_;
  }

 private:
  // Times that the tiles of a tile of columns are gone through: in the weights pass, once a block of lanes.
  Count passes() const { return column_tiles_ * (d_.weights_pass ? d_.lane_blocks : 1); }
  Count iterations() const { return passes() * pixel_tiles_ * (d_.weights_pass ? 1 : std::max(1, d_.lane_blocks)); }

  void clear() {
    const int grid_vectors = recipe_.pe_columns / kVector;
    const Count words = Count(d_.vectors / grid_vectors) * d_.acc_vector * (d_.weights_pass ? d_.parts : 1);
    cost_.steps += words * (d_.weights_pass ? passes() : passes() * pixel_tiles_);
  }

  // Before the first tile iteration x is loaded alone, in the last one the array works alone.
  void multiply_and_load_x() {
    Count nest = d_.lanes > 0 ? 1 : 0;
    for (const int count : d_.count) nest *= count;
    const Count of_lane = Count(d_.image_groups) * banks_ * d_.tile_rows * (d_.tile_width / recipe_.load_words);
    const int lanes = d_.group_channels * d_.fold_h * d_.fold_w;
    const Count full = of_lane * d_.lanes, later = d_.lane_blocks > 1 ? full : of_lane * std::min(d_.lanes, lanes);
    const Count n = iterations();
    cost_.steps += full + nest;
    if (n > 1) cost_.steps += std::max(nest, full) + (n - 2) * std::max(nest, later);
    if (d_.group_channels > 0) cost_.loaded += column_tiles_ * images_ * source_rows() * source_columns();
  }

  // Rows of the source that the tiles of one image and the lanes of one channel read, those left out that are not.
  Count source_rows() const {
    Count rows = 0;
    for (int tile = r_.row_begin; tile < r_.row_end; tile++)
      for (int fold = 0; fold < d_.fold_h; fold++)
        rows +=
            inside(tile * d_.rows * d_.output_step_h + d_.origin_h + fold * d_.lane_step_h, d_.row_step, d_.tile_rows, d_.height);
    return rows;
  }

  // The same of columns, summed over all channels, of which the last may be short.
  Count source_columns() const {
    const int before_last = (d_.group_channels - 1) * d_.height * d_.width;
    const bool one_row = d_.height == 1 && d_.image_floats - before_last <= d_.width;
    const int last = one_row ? d_.image_floats - before_last : d_.width;
    Count columns = 0;
    for (int tile = r_.width_begin; tile < r_.width_end; tile++)
      for (int fold = 0; fold < d_.fold_w; fold++) {
        const int first = tile * d_.columns * d_.output_step_w + d_.origin_w + fold * d_.lane_step_w;
        columns += (d_.group_channels - 1) * inside(first, d_.column_step, d_.tile_width, d_.width) +
                   inside(first, d_.column_step, d_.tile_width, last);
      }
    return columns;
  }

  // Of first, first + step, ..., `count` of them, how many are in [0, size).
  static Count inside(int first, int step, int count, int size) {
    const Range found = {std::clamp(-floor_div(first, step), 0, count), std::clamp(-floor_div(first - size, step), 0, count)};
    return found.size();
  }

  // Weights stay while all lanes are one block.
  Count weight_loads() const { return d_.lane_blocks > 1 ? pixel_tiles_ : 1; }

  // Of rows of weights that the lanes of all blocks read, those that there are.
  Count weight_rows() const {
    if (d_.weights == MULTIPLY_PACKED) return Count(d_.lane_blocks) * d_.window * d_.lanes;
    Count rows = 0;
    for (Count lane = 0; lane < Count(d_.lane_blocks) * d_.lanes; lane++)
      for (int w = 0; w < d_.window; w++)
        rows += lane * d_.weights_lane + w * d_.weights_window < Count(d_.weights_rows) * d_.group_columns;
    return rows;
  }
  // Columns that are read of such a row, of all tiles of columns.
  Count weight_columns() const { return d_.weights == MULTIPLY_PACKED ? column_tiles_ * d_.vectors * kVector : columns_; }

  void load_weights() {
    cost_.steps += column_tiles_ * weight_loads() * d_.lane_blocks * d_.window * d_.lanes * d_.vectors;
    cost_.loaded += weight_loads() * weight_rows() * weight_columns();
  }

  // load_turned, of weights whose columns lie apart.
  void load_columns() {
    const Count lanes = Count(d_.lane_blocks) * d_.lanes;
    cost_.steps += column_tiles_ * weight_loads() * lanes * d_.vectors * ceil_div(d_.window, kVector);
    cost_.loaded += weight_loads() * std::min<Count>(lanes * d_.window, d_.weights_rows) * columns_;
  }

  void load_pixels() {
    cost_.steps += iterations() * banks_ * d_.image_groups * d_.vectors * (d_.rows * d_.columns);
    cost_.loaded += d_.lane_blocks * images_ * columns_;
  }

  // load_turned, of diff_dst.
  void load_planes() {
    const int runs = d_.rows_contiguous ? 1 : d_.rows, length = d_.rows_contiguous ? d_.rows * d_.columns : d_.columns;
    cost_.steps += iterations() * banks_ * d_.image_groups * d_.vectors * runs * ceil_div(length, kVector);
    cost_.loaded += d_.lane_blocks * images_ * columns_ * pixels();
  }

  int rows_of(int tile) const { return std::min(d_.rows, d_.output_height - tile * d_.rows); }
  int columns_of(int tile) const { return std::min(d_.columns, d_.output_width - tile * d_.columns); }

  // Outputs of one image and column.
  Count pixels() const {
    Count rows = 0, columns = 0;
    for (int tile = r_.row_begin; tile < r_.row_end; tile++) rows += rows_of(tile);
    for (int tile = r_.width_begin; tile < r_.width_end; tile++) columns += columns_of(tile);
    return rows * columns;
  }

  void store_outputs() {
    Count words = 0;  // of one image and vector of columns
    for (int row = r_.row_begin; row < r_.row_end; row++)
      for (int column = r_.width_begin; column < r_.width_end; column++) {
        const int runs = d_.rows_contiguous ? 1 : rows_of(row);
        const int length = d_.rows_contiguous ? rows_of(row) * columns_of(column) : columns_of(column);
        words += Count(runs) * round_up(length, kVector);
      }
    cost_.steps += images_ * column_vectors_ * words;
    if (offsets_) cost_.loaded += pixel_tiles_ * banks_ * d_.image_groups * columns_;
    cost_.stored += images_ * columns_ * pixels();
  }

  void store_gradients() {
    cost_.steps += passes() * d_.window * d_.lanes * d_.vectors * d_.parts;
    cost_.stored += weight_rows() * weight_columns();
  }

  const Recipe& recipe_;
  const multiply_descriptor& d_;
  const multiply_range& r_;
  const bool offsets_;
  const int banks_;  // of images
  const Count groups_, column_tiles_, pixel_tiles_;
  Count images_ = 0;          // of all image tiles
  Count columns_ = 0;         // of all tiles of columns
  Count column_vectors_ = 0;  // that hold them
  Cost cost_;
};

}  // namespace

Cost grid_cost(const Recipe& recipe, const std::vector<const MultiplyPlan*>& plans, bool offsets) {
  Cost all;
  for (const MultiplyPlan* plan : plans) {
    all.launches = std::max(all.launches, Count(plan->units.size()));
    for (const multiply_range& range : plan->units) all += JobCost(recipe, plan->descriptor, range, offsets).count();
  }
  return all;
}

}  // namespace barista::plan
