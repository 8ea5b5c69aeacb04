// One choice of tile for the PE array: whether it fits the recipe's memories, what it costs, and the descriptor that says it
// to the kernel.
#ifndef BARISTA_PLAN_MULTIPLY_TILE_HPP_
#define BARISTA_PLAN_MULTIPLY_TILE_HPP_

#include <optional>

#include "interface/multiply_descriptor.h"
#include "plan/contraction.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

constexpr int kVector = 16;  // elements of a word of external memory, and columns that are loaded and stored at once

// An axis with `fold` of its taps in the lanes: tap = window * fold + lane. A tile keeps only every `step`-th source row.
struct FoldedAxis {
  int fold, window;
  int step;         // source rows between rows of a tile
  int output_rows;  // rows of a tile between outputs
  int window_rows;  // rows of a tile between window positions

  FoldedAxis(const Axis& axis, int fold_taps);
  // Rows of a tile of so many outputs.
  int extent(int outputs) const { return (outputs - 1) * output_rows + (window - 1) * window_rows + 1; }
};

// What the search for a tile varies.
struct TileChoice {
  FoldedAxis height, width;
  int column_words;       // words of the array's columns that it is wide
  int rows, columns;      // outputs
  int image_groups;       // groups of as many images as the array takes
  bool scatters = false;  // the nest walks over the source and adds each pixel's products to the outputs that they belong to
};

// A choice that fits. Tiles of few accumulators are stretched until one comes back late enough: by columns nobody stores, or
// (weights pass) by `parts` partial sums, which rows take in turn.
struct Tile {
  TileChoice choice;  // with rows and columns as stretched
  int parts = 1;      // partial sums of a weight gradient
  int lanes = 0;      // of a channel group: channels at folded taps
  int blocks = 0,
      block_groups = 0;     // blocks of lanes, and groups of as many lanes as the array takes in each; none without channels
  int rows = 0, width = 0;  // of x
  int column_tiles = 0, image_tiles = 0, row_tiles = 0, width_tiles = 0;
  int vectors = 0;  // of 16 columns

  int window() const { return choice.height.window * choice.width.window; }
  int outputs() const { return choice.rows * choice.columns; }  // of one image
};

// Lanes, and images, that the array takes at once.
inline int lane_banks(const Recipe& recipe, const Contraction& c) { return c.weights_pass ? recipe.pe_rows : recipe.pe_depth; }
inline int image_banks(const Recipe& recipe, const Contraction& c) { return c.weights_pass ? recipe.pe_depth : recipe.pe_rows; }

// Nothing where it doesn't fit.
std::optional<Tile> fit(const Recipe& recipe, const Contraction& contraction, const TileChoice& choice);

// Pixels of one image that the nest walks over.
int walked_pixels(const Contraction& contraction, const Tile& tile);

// Elements of the packed weights of a group.
int packed_group_size(const Recipe& recipe, const Contraction& contraction, const Tile& tile);

// What the units share, and the cycles of the busiest.
enum class Share { kGroups, kColumnTiles, kImageTiles, kRowTiles, kWidthTiles };
struct TileCost {
  Share share;
  double cycles;
};
TileCost cost(const Recipe& recipe, const Contraction& contraction, const Tile& tile);

// Nothing where no loop nest keeps the accumulators' distance.
std::optional<multiply_descriptor> describe(const Recipe& recipe, const Contraction& contraction, const Tile& tile);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_MULTIPLY_TILE_HPP_
