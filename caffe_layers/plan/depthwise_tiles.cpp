#include "plan/depthwise_tiles.hpp"

#include <algorithm>
#include <optional>

#include "plan/unsupported.hpp"

namespace barista::plan {
namespace {

constexpr int kTaps = DEPTHWISE_TAPS;

// What the recipe has room for, in words of as many planes as it has lanes.
struct Room {
  int source, result;
  int weights;  // of a rectangle of the kernel
  int chunks;   // of partial sums
  int lanes;
};

Room room_of(const Recipe& r) {
  return {r.acc_words - (kTaps - 1), r.acc_words, r.acc_words / 4, r.acc_words / 2 / DEPTHWISE_PARTIALS, r.lanes};
}

bool kernel_fits(const DepthwisePlane& p, const Room& room, int rows, int columns) {
  if (p.direction == DepthwiseDirection::kBackwardWeights) return rows * row_chunks(p.width, columns) <= room.chunks;
  return rows * columns <= room.weights;
}

// Cycles of a tile where it fits: its source and its results at a word of every lane a cycle, in and out of registers, and its
// sweeps.
std::optional<double> cycles(const DepthwisePlane& p, const Room& room, const DepthwiseTiles& c) {
  const PhaseExtent source_h = source_extent(p, p.height, c.rows, c.kernel_rows);
  const PhaseExtent source_w = source_extent(p, p.width, c.columns, c.kernel_columns);
  const PhaseExtent result_h = result_extent(p, p.height, c.rows), result_w = result_extent(p, p.width, c.columns);
  const double source = static_cast<double>(source_h.phases) * source_w.phases * source_h.words * source_w.words;
  const double result = static_cast<double>(result_h.phases) * result_w.phases * result_h.words * source_w.words;
  if (source > room.source || result > room.result) return std::nullopt;

  const auto vectors = [&](int rows, int columns, bool whole) {
    return whole ? ceil_div(rows * columns, room.lanes) : rows * ceil_div(columns, room.lanes);
  };
  const bool whole = c.columns == p.columns();
  const int moved =
      vectors(source_h.phases * source_h.words, source_w.phases * source_w.words, whole) + vectors(c.rows, c.columns, whole);
  const double taps = static_cast<double>(c.kernel_rows) * row_chunks(p.width, c.kernel_columns);
  const double phases = p.gathers() ? static_cast<double>(p.height.dst_phases()) * p.width.dst_phases()
                                    : static_cast<double>(result_h.phases) * result_w.phases;
  return 2.0 * room.lanes * moved + taps * phases * (result_h.words * source_w.words + kTaps - 1);
}

// The most rows of which a tile of so many columns fits; 0 where none does.
int most_rows(const DepthwisePlane& p, const Room& room, DepthwiseTiles tiles) {
  int low = 0, high = p.rows();  // fits, and the most that could
  while (low < high) {
    tiles.rows = (low + high + 1) / 2;
    if (cycles(p, room, tiles)) {
      low = tiles.rows;
    } else {
      high = tiles.rows - 1;
    }
  }
  return low;
}

// Tiles of the fewest cycles, the last and smaller ones of a plane taken for whole ones; nothing where none fits.
std::optional<DepthwiseTiles> cut_plane(const DepthwisePlane& p, const Room& room, int kernel_rows, int kernel_columns) {
  std::optional<DepthwiseTiles> best;
  double least = 0;
  const int columns = p.columns();
  int before = 0;
  for (int across = 1; across <= columns; across++) {
    const int tile_columns = ceil_div(columns, across);
    if (tile_columns == before) continue;
    before = tile_columns;
    const int rows = most_rows(p, room, {0, tile_columns, kernel_rows, kernel_columns});
    if (rows == 0) continue;
    const int down = ceil_div(p.rows(), rows);
    const DepthwiseTiles tiles = {ceil_div(p.rows(), down), tile_columns, kernel_rows, kernel_columns};
    const std::optional<double> cost = cycles(p, room, tiles);
    if (!cost) continue;
    const double all = *cost * down * across;
    if (!best || all < least) {
      least = all;
      best = tiles;
    }
  }
  return best;
}

}  // namespace

DepthwiseTiles depthwise_tiles(const Recipe& recipe, const DepthwisePlane& p, const std::string& name) {
  const Room room = room_of(recipe);
  int kernel_rows = p.height.kernel, kernel_columns = p.width.kernel;
  for (;;) {
    if (kernel_fits(p, room, kernel_rows, kernel_columns))
      if (const std::optional<DepthwiseTiles> found = cut_plane(p, room, kernel_rows, kernel_columns)) return *found;
    if (kernel_rows == 1 && kernel_columns == 1)
      throw Unsupported(name + ": the bitstream has no room for one weight and one result; its acc_words is " +
                        std::to_string(room.result));
    int& larger = kernel_rows > 1 ? kernel_rows : kernel_columns;
    larger = ceil_div(larger, 2);
  }
}

PhaseExtent source_extent(const DepthwisePlane& p, const DepthwiseAxis& a, int results, int taps) {
  return p.gathers() ? backward_source(a, results, taps) : forward_tile(a, {0, results}, {0, taps}).src_extent;
}

PhaseExtent result_extent(const DepthwisePlane& p, const DepthwiseAxis& a, int results) {
  const int phases = p.gathers() ? a.src_phases() : a.dst_phases();
  return {std::min(phases, results), ceil_div(results, phases)};
}

int row_chunks(const DepthwiseAxis& width, int taps) {
  return ceil_div(taps_of(width, 0, taps), kTaps) * std::min(width.classes(), taps);
}

}  // namespace barista::plan
