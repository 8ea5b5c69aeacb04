#include "ops/lrn.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "ops/units.hpp"
#include "plan/ranges.hpp"

namespace barista::ops {
namespace {

using plan::ceil_div;

using device::Argument;

bool is_across(const LRNFunction& f) { return f.region == LRNRegion::kAcrossChannels; }

std::string describe(const LRNShape& s, const LRNFunction& f) {
  return "LRN of " + std::to_string(s.N) + "x" + std::to_string(s.C) + "x" + std::to_string(s.H) + "x" + std::to_string(s.W) +
         (is_across(f) ? " across " : " within a channel, across ") + std::to_string(f.local_size) +
         (is_across(f) ? " channels" : "x" + std::to_string(f.local_size) + " pixels");
}

lrn_exponent exponent(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits &= 0xffffff00U;
  lrn_exponent e = {};
  std::memcpy(&e.high, &bits, sizeof bits);
  e.low = value - e.high;
  e.parity = value != std::floor(value) ? LRN_NO_INTEGER : std::fmod(value, 2.0F) == 0 ? LRN_EVEN : LRN_ODD;
  return e;
}

// How far a window can see along an axis of `size`.
int window(int local_size, int size) { return std::min(local_size, 2 * size - 1); }

// Words of the source that `results` in a row of `size` see.
int seen(int results, int window, int size) { return std::min(results + window - 1, size); }

// Whole columns of channels; where not even one of them fits, as many channels as do with what their windows see besides.
void cut_across(lrn_problem& p, int groups, const device::Recipe& recipe) {
  const int room = recipe.acc_words;
  if (p.columns > room) {
    p.tile_rows = 1;
    p.tile_columns = std::max(0, room - (p.window_columns - 1));
    return;
  }
  const int strips = std::max(ceil_div(p.rows, room / p.columns), std::min(p.rows, ceil_div(recipe.compute_units, groups)));
  p.tile_rows = ceil_div(p.rows, strips);
  p.tile_columns = p.columns;
}

// Of the tiles that fit, those of a plane that load the fewest vectors, windows' borders and ragged ends counted; where no whole window
// fits, single rows, and as many rows of their windows at a time as do.
void cut_within(lrn_problem& p, const device::Recipe& recipe) {
  const int room = recipe.acc_words;
  long least = 0;
  for (int columns = p.columns; columns > 0; columns--) {
    const int loaded_columns = seen(columns, p.window_columns, p.columns), loaded_rows = room / loaded_columns;
    const int rows = loaded_rows >= p.rows ? p.rows : loaded_rows - (p.window_rows - 1);
    if (rows < 1) continue;
    const int source_rows = seen(rows, p.window_rows, p.rows);
    const long vectors = loaded_columns == p.columns ? ceil_div(source_rows * loaded_columns, recipe.lanes)
                                                     : static_cast<long>(source_rows) * ceil_div(loaded_columns, recipe.lanes);
    const long all = vectors * ceil_div(p.rows, rows) * ceil_div(p.columns, columns);
    if (p.tile_columns > 0 && all >= least) continue;
    least = all;
    p.tile_rows = rows;
    p.tile_columns = columns;
  }
  if (p.tile_columns > 0) return;
  p.tile_rows = 1;
  p.tile_columns = p.columns <= room ? p.columns : std::max(0, room - (p.window_columns - 1));
  if (p.tile_columns > 0) p.tap_rows = room / seen(p.tile_columns, p.window_columns, p.columns);
}

lrn_problem plan(const device::Recipe& recipe, const LRNShape& s, const LRNFunction& f) {
  if (std::min({s.N, s.C, s.H, s.W, f.local_size}) < 1 || f.local_size % 2 == 0)
    throw device::Error(describe(s, f) + ": every size must be at least 1, and local_size odd");
  lrn_problem p = {};
  p.across = is_across(f);
  p.positions = s.H * s.W;
  p.planes = s.N * s.C;
  p.group_words = p.across ? p.positions * s.C : p.positions * recipe.lanes;
  p.rows = p.across ? ceil_div(p.positions, recipe.lanes) : s.H;
  p.columns = p.across ? s.C : s.W;
  p.window_rows = p.across ? 1 : window(f.local_size, p.rows);
  p.window_columns = window(f.local_size, p.columns);
  p.tap_rows = p.window_rows;
  if (p.across) {
    cut_across(p, s.N, recipe);
  } else {
    cut_within(p, recipe);
  }
  if (p.tile_columns < 1) {
    throw device::Error(describe(s, f) + ": a row of a window takes " + std::to_string(p.window_columns) +
                        " words, the bitstream has room for " + std::to_string(recipe.acc_words));
  }
  return p;
}

int row_tiles(const lrn_problem& p) { return ceil_div(p.rows, p.tile_rows); }
int column_tiles(const lrn_problem& p) { return ceil_div(p.columns, p.tile_columns); }

// Tiles, and where the first of them lies.
auto tiles_from(const lrn_problem& p, int lanes) {
  return [p, lanes](const UnitRange& tiles) {
    const int of_group = row_tiles(p) * column_tiles(p), group = tiles.begin / of_group, tile = tiles.begin % of_group;
    return lrn_range{tiles.begin,
                     tiles.end,
                     group * p.group_words,
                     p.planes - group * lanes,
                     tile / column_tiles(p) * p.tile_rows,
                     tile % column_tiles(p) * p.tile_columns};
  };
}

}  // namespace

LRN::LRN(device::Program& program, const LRNShape& shape, const LRNFunction& function)
    : program_(program), forward_(plan(program.recipe(), shape, function)) {
  const float size = is_across(function) ? static_cast<float>(function.local_size)
                                         : static_cast<float>(function.local_size) * static_cast<float>(function.local_size);
  forward_.pass = LRN_FORWARD;
  forward_.shift = function.k;
  forward_.factor = function.alpha / size;
  forward_.exponent = exponent(-function.beta);
  backward_ = forward_;
  backward_.pass = LRN_BACKWARD;
  backward_.factor = 2 * function.alpha * function.beta / size;
  const int groups = is_across(function) ? shape.N : ceil_div(forward_.planes, program.recipe().lanes);
  items_ = groups * row_tiles(forward_) * column_tiles(forward_);
  const std::size_t bytes = static_cast<std::size_t>(forward_.planes) * forward_.positions * sizeof(float);
  powers_ = program.device().allocate(bytes);
  ratios_ = program.device().allocate(bytes);
}

void LRN::forward(const device::Buffer& src, device::Buffer& dst) {
  launch_on_units(program_, "lrn_",
                  {Argument::in(src), Argument::in(src), Argument::in(src), Argument::out(powers_), Argument::out(ratios_),
                   Argument::out(dst), Argument::value(forward_)},
                  items_, 2 * kFloatsWorthALaunch, tiles_from(forward_, program_.recipe().lanes));
}

// What forward writes to is handed over as read: the kernel leaves it alone here.
void LRN::backward(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_src) {
  launch_on_units(program_, "lrn_",
                  {Argument::in(diff_dst), Argument::in(ratios_), Argument::in(src), Argument::in(powers_), Argument::in(ratios_),
                   Argument::out(diff_src), Argument::value(backward_)},
                  items_, 2 * kFloatsWorthALaunch, tiles_from(backward_, program_.recipe().lanes));
}

}  // namespace barista::ops
