#include "plan/lrn.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "plan/ranges.hpp"
#include "plan/units.hpp"
#include "plan/unsupported.hpp"

namespace barista::plan {
namespace {

constexpr int kTaps = 5;  // LRN_TAPS, columns of a window that a step takes

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
void cut_across(lrn_problem& p, int groups, const Recipe& recipe) {
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
void cut_within(lrn_problem& p, const Recipe& recipe) {
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

lrn_problem problem_of(const Recipe& recipe, const LRNShape& s, const LRNFunction& f) {
  if (std::min({s.N, s.C, s.H, s.W, f.local_size}) < 1 || f.local_size % 2 == 0)
    throw Unsupported(describe(s, f) + ": every size must be at least 1, and local_size odd");
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
    throw Unsupported(describe(s, f) + ": a row of a window takes " + std::to_string(p.window_columns) +
                      " words, the bitstream has room for " + std::to_string(recipe.acc_words));
  }
  return p;
}

int row_tiles(const lrn_problem& p) { return ceil_div(p.rows, p.tile_rows); }
int column_tiles(const lrn_problem& p) { return ceil_div(p.columns, p.tile_columns); }

// Tiles of all groups, and where each unit's first one lies.
std::vector<lrn_range> shared_out(const Recipe& recipe, const lrn_problem& p, int tiles) {
  std::vector<lrn_range> units;
  const int of_group = row_tiles(p) * column_tiles(p);
  for (const UnitRange& part : share_out(tiles, recipe.compute_units)) {
    const int group = part.begin / of_group, tile = part.begin % of_group;
    units.push_back({part.begin, part.end, group * p.group_words, p.planes - group * recipe.lanes,
                     tile / column_tiles(p) * p.tile_rows, tile % column_tiles(p) * p.tile_columns});
  }
  return units;
}

// A rectangle of a group as it is loaded or stored: across channels a run is a channel, each word of it a vector in memory; within a channel
// a run is a row, or all rows where they are whole, and LANES words of it are turned from as many lanes' vectors.
struct Runs {
  std::int64_t runs, words;
  std::int64_t blocks(int lanes) const { return runs * ((words + lanes - 1) / lanes); }
};

Runs runs_of(const lrn_problem& p, int rows, int columns) {
  if (p.across != 0) return {columns, rows};
  return columns == p.columns ? Runs{1, std::int64_t{rows} * columns} : Runs{rows, columns};
}

// Vectors in memory that a rectangle takes: those of its words, or of all lanes of its blocks.
std::int64_t vectors(const lrn_problem& p, const Runs& r, int lanes) {
  return p.across != 0 ? r.runs * r.words : r.blocks(lanes) * lanes;
}

// One tile of results, which begin at `row` and `column` of a group. Elements are those of `lanes_there` planes within a channel; across
// channels the last of the image's positions end the last vector.
Cost tile_cost(const Recipe& recipe, const lrn_problem& p, int row, int column, int lanes_there) {
  const bool backward = p.pass == LRN_BACKWARD;
  const int lanes = recipe.lanes, rows = std::min(p.tile_rows, p.rows - row),
            columns = std::min(p.tile_columns, p.columns - column);
  const auto elements = [&](const Runs& r, int first_row) {
    if (p.across == 0) return r.runs * r.words * lanes_there;
    return r.runs * std::min<std::int64_t>(r.words * lanes, p.positions - std::int64_t{first_row} * lanes);
  };
  Cost cost;
  const Range source_columns = clip(column - p.window_columns / 2, column + columns + p.window_columns / 2, p.columns);
  for (int tap_row = 0; tap_row < p.window_rows; tap_row += p.tap_rows) {
    const int first = row + tap_row - p.window_rows / 2;
    const int begin = std::max(first, 0), source_rows = std::max(std::min(first + rows + p.tap_rows - 1, p.rows) - begin, 0);
    const Runs source = runs_of(p, source_rows, source_columns.size());
    cost.steps += vectors(p, source, lanes) + source.runs * source.words;
    cost.loaded += (backward ? 2 : 1) * elements(source, begin);
    const int steps = std::max(columns + kTaps - 1, ceil_div(recipe.acc_distance, rows));
    cost.steps += std::int64_t{std::min(p.tap_rows, p.window_rows - tap_row)} * ceil_div(p.window_columns, kTaps) * rows * steps;
  }
  const Runs results = runs_of(p, rows, columns);
  cost.steps += results.blocks(lanes) * lanes + vectors(p, results, lanes) * (lanes / recipe.function_lanes);
  cost.loaded += (backward ? 3 : 1) * elements(results, row);
  cost.stored += (backward ? 1 : 3) * elements(results, row);
  return cost;
}

Cost group_cost(const Recipe& recipe, const lrn_problem& p, int lanes_there) {
  Cost cost;
  for (int row = 0; row < p.rows; row += p.tile_rows)
    for (int column = 0; column < p.columns; column += p.tile_columns) cost += tile_cost(recipe, p, row, column, lanes_there);
  return cost;
}

LRNPass pass_of(const Recipe& recipe, const lrn_problem& p, int groups) {
  LRNPass pass = {p, shared_out(recipe, p, groups * row_tiles(p) * column_tiles(p)), {}};
  // All groups cost the same but for the planes of the last one.
  const Cost whole = group_cost(recipe, p, recipe.lanes), last = group_cost(recipe, p, (p.planes - 1) % recipe.lanes + 1);
  pass.cost = {static_cast<std::int64_t>(pass.units.size()), groups * whole.steps, (groups - 1) * whole.loaded + last.loaded,
               (groups - 1) * whole.stored + last.stored, 0};
  return pass;
}

}  // namespace

LRNPlan plan_lrn(const Recipe& recipe, const LRNShape& s, const LRNFunction& f) {
  lrn_problem forward = problem_of(recipe, s, f);
  const float local_size = static_cast<float>(f.local_size), size = is_across(f) ? local_size : local_size * local_size;
  forward.pass = LRN_FORWARD;
  forward.shift = f.k;
  forward.factor = f.alpha / size;
  forward.exponent = exponent(-f.beta);
  lrn_problem backward = forward;
  backward.pass = LRN_BACKWARD;
  backward.factor = 2 * f.alpha * f.beta / size;
  const int groups = is_across(f) ? s.N : ceil_div(forward.planes, recipe.lanes);
  return {pass_of(recipe, forward, groups), pass_of(recipe, backward, groups)};
}

std::vector<PassCost> lrn_costs(const Recipe& recipe, const LRNShape& shape, const LRNFunction& function) {
  const LRNPlan plan = plan_lrn(recipe, shape, function);
  return {{"forward", plan.forward.cost}, {"backward", plan.backward.cost}};
}

}  // namespace barista::plan
