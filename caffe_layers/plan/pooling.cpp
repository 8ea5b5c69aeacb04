#include "plan/pooling.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "plan/elementwise.hpp"
#include "plan/ranges.hpp"
#include "plan/unsupported.hpp"

namespace barista::plan {
namespace {

constexpr int kLargestPlane = 1 << 24;  // beyond it, an index is no longer exact as a float

// One dimension (height or width) of a pass: `results` positions of what it stores, `sources` of what it loads, `taps` sources at
// most that a result sees.
struct PoolingAxis {
  bool backward;
  int results, sources, taps;
  int kernel, stride, pad;

  static PoolingAxis forward_pass(int src, int dst, int kernel, int stride, int pad) {
    return {false, dst, src, kernel, kernel, stride, pad};
  }
  static PoolingAxis backward_pass(int src, int dst, int kernel, int stride, int pad) {
    return {true, src, dst, ceil_div(kernel, stride), kernel, stride, pad};
  }

  // The source that a result meets at tap 0; forward, taps go up from it, backward, down.
  int first_source(int result) const { return backward ? (result + pad) / stride : result * stride - pad; }
  int phase(int result) const { return backward ? (result + pad) % stride : 0; }

  Range sources_of(Range result, Range tap) const {
    const int first = first_source(result.begin), last = first_source(result.end - 1);
    return backward ? clip(first - tap.end + 1, last - tap.begin + 1, sources) : clip(first + tap.begin, last + tap.end, sources);
  }
  // The most sources that any `count` results next to each other see.
  int most_sources(int count, int tap_count) const {
    const int between = backward ? (count + stride - 2) / stride : (count - 1) * stride;
    return std::min(sources, between + tap_count);
  }
};

// How a pass is cut: tiles of `rows` x `columns` results, `tap_rows` rows of taps at a time, `planes_per_lane` planes at once, of
// which the last lane has `last_planes`.
struct Cut {
  int rows, columns, tap_rows, planes_per_lane, last_planes;
};

// The largest tiles that `words` a lane hold, both of sources and of results.
Cut cut(const PoolingAxis& height, const PoolingAxis& width, int words, const std::string& name) {
  Cut best = {height.results, width.results, height.taps, 1, 1};
  const auto source_width = [&](int columns) {
    return columns == width.results ? width.sources : width.most_sources(columns, width.taps);
  };
  while (best.columns > 1 && (best.columns > words || source_width(best.columns) > words)) best.columns = ceil_div(best.columns, 2);
  const int pitch = source_width(best.columns);
  if (pitch > words) {
    throw Unsupported(name + ": a row of a window takes " + std::to_string(pitch) + " words, the bitstream has room for " +
                      std::to_string(words));
  }
  const auto fits = [&](int rows) {
    return rows * best.columns <= words && height.most_sources(rows, height.taps) * pitch <= words;
  };
  if (std::max(height.results, height.sources) * std::max(width.results, width.sources) > words) {
    best.rows = std::min(height.results, words / best.columns);
    while (best.rows > 1 && !fits(best.rows)) --best.rows;
    best.rows = ceil_div(height.results, ceil_div(height.results, best.rows));
  }
  if (!fits(best.rows)) best.tap_rows = std::min(height.taps, words / pitch);
  return best;
}

pooling_tile tile(const PoolingAxis& height, const PoolingAxis& width, Range rows, Range columns, Range taps, const Cut& c,
                  int distance) {
  const bool whole_columns = columns.size() == width.results;
  // Several planes a lane: they are loaded as one run, so all of them.
  const Range source_rows = c.planes_per_lane > 1 ? Range{0, height.sources} : height.sources_of(rows, taps);
  const Range source_columns = whole_columns ? Range{0, width.sources} : width.sources_of(columns, {0, width.taps});

  pooling_tile t = {};
  t.pitch = source_columns.size();
  t.source_offset = source_rows.begin * width.sources + source_columns.begin;
  t.source_runs = whole_columns ? 1 : source_rows.size();
  t.source_run = whole_columns ? source_rows.size() * t.pitch : t.pitch;
  t.result_offset = rows.begin * width.results + columns.begin;
  t.result_runs = whole_columns ? 1 : rows.size();
  t.result_run = whole_columns ? rows.size() * columns.size() : columns.size();
  t.source_words = c.planes_per_lane * t.source_run;
  t.result_words = c.planes_per_lane * t.result_run;
  t.source_last_words = c.last_planes * t.source_run;
  t.result_last_words = c.last_planes * t.result_run;
  t.source_plane = t.source_runs * t.source_run;
  t.rows = rows.size();
  t.columns = columns.size();
  t.results = c.planes_per_lane * t.rows * t.columns;
  t.steps = std::max(t.columns, ceil_div(distance, t.rows * c.planes_per_lane));
  t.tap_begin = taps.begin;
  t.tap_end = taps.end;
  t.first = height.backward ? taps.end == height.taps : taps.begin == 0;
  t.last = height.backward ? taps.begin == 0 : taps.end == height.taps;
  t.load = 1;
  // Forward, the address is of the first tap in `taps`; backward, of tap 0, from which the kernel counts down.
  t.row = height.first_source(rows.begin) + (height.backward ? 0 : taps.begin);
  t.column = width.first_source(columns.begin);
  t.address = (t.row - source_rows.begin) * t.pitch + t.column - source_columns.begin;
  t.phase_row = height.phase(rows.begin);
  t.phase_column = width.phase(columns.begin);
  return t;
}

// Has the windows of the tile whose parts begin at `first` summed up by these parts, and an element of each chosen by as many more.
void add_choice(std::vector<pooling_tile>& all, std::size_t first) {
  const std::size_t parts = all.size() - first;
  for (std::size_t i = 0; i < parts; i++) {
    pooling_tile choice = all[first + i];
    choice.choose = 1;
    choice.load = parts > 1;  // else it lies there
    all[first + i].last = 0;
    all.push_back(choice);
  }
}

std::vector<pooling_tile> tiles(const PoolingAxis& height, const PoolingAxis& width, const Cut& c, int distance, bool stochastic) {
  std::vector<pooling_tile> all;
  const int chunks = ceil_div(height.taps, c.tap_rows);
  for (int row = 0; row < height.results; row += c.rows)
    for (int column = 0; column < width.results; column += c.columns) {
      const std::size_t first = all.size();
      for (int i = 0; i < chunks; i++) {
        // In the order in which the kernel takes taps.
        const int chunk = (height.backward ? chunks - 1 - i : i) * c.tap_rows;
        all.push_back(tile(height, width, {row, std::min(height.results, row + c.rows)},
                           {column, std::min(width.results, column + c.columns)},
                           {chunk, std::min(height.taps, chunk + c.tap_rows)}, c, distance));
      }
      if (stochastic) add_choice(all, first);
    }
  return all;
}

// Planes a lane, so that the groups of all lanes fill all units alike.
int planes_per_lane(int planes, int room, const Recipe& recipe) {
  const int groups = ceil_div(planes, recipe.lanes * room);
  const int even = ceil_div(groups, recipe.compute_units) * recipe.compute_units;
  return std::min(room, ceil_div(planes, recipe.lanes * even));
}

// Splits groups of planes or tiles over the units, whichever leaves the busiest unit less. All parts of a tile go to one unit.
std::vector<pooling_range> split(const pooling_problem& p, int plane_step, const std::vector<pooling_tile>& all, int units) {
  const int planes = p.planes;
  std::vector<int> starts;
  for (std::size_t i = 0; i < all.size(); i++)
    if (all[i].first && !all[i].choose) starts.push_back(static_cast<int>(i));
  const int count = static_cast<int>(starts.size()), groups = ceil_div(planes, plane_step);
  starts.push_back(static_cast<int>(all.size()));

  const bool by_tiles = groups * ceil_div(count, units) < ceil_div(groups, units) * count;
  std::vector<pooling_range> ranges;
  for (int unit = 0; unit < units; unit++) {
    const int items = by_tiles ? count : groups;
    const int begin = items * unit / units, end = items * (unit + 1) / units;
    if (begin == end) continue;
    if (by_tiles) {
      ranges.push_back({0, planes, starts[begin], starts[end], 0, 0});
    } else {
      const int first = begin * plane_step;
      ranges.push_back({first, std::min(planes, end * plane_step), 0, starts[count], first * p.src_plane, first * p.dst_plane});
    }
  }
  return ranges;
}

// Vectors of a run that every lane has, in a memory that takes or gives a word of all lanes a step.
std::int64_t blocks(int words, int lanes) { return ceil_div(words, lanes); }

// Of all groups of planes: each does every tile.
Cost cost_of(const PoolingPass& pass, bool backward, int lanes) {
  const pooling_problem& p = pass.problem;
  const bool has_winners = p.method == POOLING_MAXIMUM || p.method == POOLING_STOCHASTIC;
  const int sources = backward && p.method != POOLING_AVERAGE ? 2 : 1, results = !backward && has_winners ? 2 : 1;
  std::int64_t steps = 0, loaded = 0, stored = 0;  // steps: a group; elements: a plane
  for (const pooling_tile& t : pass.tiles) {
    const std::int64_t source = std::int64_t{t.source_runs} * t.source_run, result = std::int64_t{t.result_runs} * t.result_run;
    if (t.load != 0) {
      steps += sources * t.source_runs * (blocks(t.source_words, lanes) * lanes + t.source_words);
      loaded += sources * source;
    }
    if (t.choose != 0 && t.first != 0) {  // random numbers
      steps += t.result_runs * (blocks(t.result_words, lanes) * lanes + t.result_words);
      loaded += result;
    }
    steps += std::int64_t{t.tap_end - t.tap_begin} * p.taps_w * p.planes_per_lane * t.rows * t.steps;
    if (t.last == 0) continue;
    if (!backward && p.method == POOLING_EXPECTED) steps += std::int64_t{t.results} * lanes;
    steps += results * t.result_runs * blocks(t.result_words, lanes) * 2 * lanes;
    stored += results * result;
  }
  const std::int64_t groups = ceil_div(p.planes, lanes * p.planes_per_lane);
  return {static_cast<std::int64_t>(pass.units.size()), groups * steps, p.planes * loaded, p.planes * stored, 0};
}

PoolingPass plan(const Recipe& recipe, const PoolingAxis& height, const PoolingAxis& width, pooling_problem problem,
                 const std::string& name) {
  Cut c = cut(height, width, recipe.acc_words, name);
  const bool whole = c.rows == height.results && c.columns == width.results && c.tap_rows == height.taps;
  const int plane_words = std::max(height.results * width.results, height.sources * width.sources);
  if (whole && plane_words <= recipe.acc_words)
    c.planes_per_lane = planes_per_lane(problem.planes, recipe.acc_words / plane_words, recipe);
  c.last_planes = (problem.planes - 1) % c.planes_per_lane + 1;

  PoolingPass pass = {};
  pass.problem = problem;
  pass.problem.planes_per_lane = c.planes_per_lane;
  pass.problem.src_lane = c.planes_per_lane * problem.src_plane;
  pass.problem.dst_lane = c.planes_per_lane * problem.dst_plane;
  pass.problem.taps_w = width.taps;
  pass.tiles = tiles(height, width, c, recipe.acc_distance, !height.backward && problem.method == POOLING_STOCHASTIC);
  pass.units = split(pass.problem, recipe.lanes * c.planes_per_lane, pass.tiles, recipe.compute_units);
  pass.cost = cost_of(pass, height.backward, recipe.lanes);
  return pass;
}

std::string describe(const PoolingShape& s) {
  const auto size = [](int a, int b) { return std::to_string(a) + "x" + std::to_string(b); };
  return "pooling of " + std::to_string(s.N) + "x" + std::to_string(s.C) + "x" + size(s.H, s.W) + " to " + size(s.P, s.Q) +
         ", window " + size(s.KH, s.KW) + ", stride " + size(s.SH, s.SW) + ", padding " + size(s.PH, s.PW);
}

void validate(const PoolingShape& s, PoolingMethod method) {
  if (std::min({s.N, s.C, s.H, s.W, s.P, s.Q, s.KH, s.KW, s.SH, s.SW}) < 1 || std::min(s.PH, s.PW) < 0)
    throw Unsupported(describe(s) + ": every size must be at least 1, and no padding negative");
  const bool wins = method == PoolingMethod::kMaximum || method == PoolingMethod::kStochastic;
  if (wins && static_cast<long>(s.H) * s.W > kLargestPlane)
    throw Unsupported(describe(s) + ": a plane may have at most 16777216 pixels, for their indices are kept as floats");
  const bool pads = method == PoolingMethod::kMaximum || method == PoolingMethod::kAverage;
  if (!pads && std::max(s.PH, s.PW) > 0) throw Unsupported(describe(s) + ": a stochastic pooling takes no padding");
}

int method_of(PoolingMethod method) {
  switch (method) {
    case PoolingMethod::kMaximum:
      return POOLING_MAXIMUM;
    case PoolingMethod::kAverage:
      return POOLING_AVERAGE;
    case PoolingMethod::kStochastic:
      return POOLING_STOCHASTIC;
    default:
      return POOLING_EXPECTED;
  }
}

}  // namespace

PoolingPlan plan_pooling(const Recipe& recipe, const PoolingShape& s, PoolingMethod method) {
  validate(s, method);
  const std::string name = describe(s);
  const int src_plane = s.H * s.W, dst_plane = s.P * s.Q;
  const pooling_problem problem = {s.N * s.C, 1,    s.H,  s.W,       s.P,       s.Q,       s.KH,      s.KW, s.SH,
                                   s.SW,      s.PH, s.PW, src_plane, dst_plane, src_plane, dst_plane, 0,    method_of(method)};
  return {plan(recipe, PoolingAxis::forward_pass(s.H, s.P, s.KH, s.SH, s.PH), PoolingAxis::forward_pass(s.W, s.Q, s.KW, s.SW, s.PW),
               problem, name),
          plan(recipe, PoolingAxis::backward_pass(s.H, s.P, s.KH, s.SH, s.PH),
               PoolingAxis::backward_pass(s.W, s.Q, s.KW, s.SW, s.PW), problem, name)};
}

std::vector<PassCost> pooling_costs(const Recipe& recipe, const PoolingShape& s, PoolingMethod method) {
  const PoolingPlan plan = plan_pooling(recipe, s, method);
  std::vector<PassCost> costs = {{"forward", plan.forward.cost}};
  if (method == PoolingMethod::kStochastic)
    costs.front().cost += plan_elementwise(recipe, ELEMENTWISE_UNIFORM, 0, s.N * s.C * s.P * s.Q).cost;
  if (method != PoolingMethod::kExpected) costs.push_back({"backward", plan.backward.cost});
  return costs;
}

}  // namespace barista::plan
