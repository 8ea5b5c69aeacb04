#include "ops/depthwise_plan.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "ops/units.hpp"
#include "plan/ranges.hpp"

namespace barista::ops {
namespace {

using plan::ceil_div;
using plan::clip;
using plan::floor_div;
using plan::positive_mod;
using plan::Range;

constexpr int kTaps = DEPTHWISE_TAPS;

// What the recipe has room for, in words of as many planes as it has lanes.
struct Room {
  int source, result;
  int weights;  // of a rectangle of the kernel
  int chunks;   // of partial sums
  int lanes;
};

Room room(const device::Recipe& r) {
  return {r.acc_words - (kTaps - 1), r.acc_words, r.acc_words / 4, r.acc_words / 2 / DEPTHWISE_PARTIALS, r.lanes};
}

// One dimension, height or width.
struct Axis {
  int src, dst, kernel;  // sizes
  int stride, pad, dilation;

  int divisor() const { return std::gcd(stride, dilation); }
  int src_phases() const { return stride / divisor() * dilation; }
  int dst_phases() const { return dilation / divisor(); }
  int classes() const { return stride / divisor(); }
};

// From index i of a phase of dst, tap t of a class leads to index i + t + shift of a phase of src.
struct Route {
  int dst_phase, tap_class, taps, src_phase, shift;
};

// Phases on chip, and words of each.
struct Extent {
  int phases, words;
};

// What of an axis a part has: `results` in a tile, which begin at the plane's first or not, and `taps` of the kernel.
struct Section {
  Range src, dst;              // positions of the planes that are loaded or stored
  int src_origin, dst_origin;  // position of word 0 of phase 0
  Extent src_extent, dst_extent;
  std::vector<Route> routes;
};

int taps_of(const Axis& a, int tap_class, int taps) { return tap_class < taps ? (taps - tap_class - 1) / a.classes() + 1 : 0; }

// Of `results` positions of dst from one of phase 0 on; word 0 of src is what the first of them meets at the first tap.
std::vector<Route> forward_routes(const Axis& a, int results, int taps) {
  std::vector<Route> routes;
  for (int l = 0; l < std::min(a.classes(), taps); l++)
    for (int j = 0; j < std::min(a.dst_phases(), results); j++) {
      const int at = a.stride * j + a.dilation * l;
      routes.push_back({j, l, taps_of(a, l, taps), at % a.src_phases(), at / a.src_phases()});
    }
  return routes;
}

Section forward_section(const Axis& a, Range dst, Range taps) {
  Section s = {};
  s.dst = dst;
  s.dst_origin = dst.begin;
  s.routes = forward_routes(a, dst.size(), taps.size());
  s.dst_extent = {std::min(a.dst_phases(), dst.size()), ceil_div(dst.size(), a.dst_phases())};
  int reach = 0;
  for (const Route& r : s.routes) {
    reach = std::max(reach, r.taps - 1 + r.shift);
    s.src_extent.phases = std::max(s.src_extent.phases, r.src_phase + 1);
  }
  s.src_extent.words = s.dst_extent.words + reach;
  s.src_origin = a.stride * dst.begin + a.dilation * taps.begin - a.pad;
  s.src = clip(s.src_origin, s.src_origin + a.stride * (dst.size() - 1) + a.dilation * (taps.size() - 1) + 1, a.src);
  return s;
}

// Of `results` positions of src, of which the first lies `ahead` < stride behind the one that position 0 of dst meets at the
// first tap. The origin of dst is counted from there.
Section gathering(const Axis& a, int results, int taps, int ahead) {
  Section s = {};
  s.src_extent = {std::min(a.src_phases(), results), ceil_div(results, a.src_phases())};
  int first = 0, last = 0, lowest = 0, highest = 0;  // phases and indices of dst
  for (const Route& r : forward_routes(a, a.dst_phases(), taps)) {
    const int at = r.src_phase + a.src_phases() * r.shift - ahead, phase = positive_mod(at, a.src_phases());
    if (phase >= s.src_extent.phases) continue;
    const int shift = floor_div(at, a.src_phases()), low = -(shift + r.taps - 1), high = s.src_extent.words - 1 - shift;
    const bool only = s.routes.empty();
    first = only ? r.dst_phase : std::min(first, r.dst_phase);
    last = only ? r.dst_phase : std::max(last, r.dst_phase);
    lowest = only ? low : std::min(lowest, low);
    highest = only ? high : std::max(highest, high);
    s.routes.push_back({r.dst_phase, r.tap_class, r.taps, phase, shift});
  }
  if (s.routes.empty()) return s;
  for (Route& r : s.routes) {
    r.dst_phase -= first;
    r.shift += lowest;
  }
  s.dst_origin = first + a.dst_phases() * lowest;
  s.dst_extent = {last - first + 1, highest - lowest + 1};
  return s;
}

Section backward_section(const Axis& a, Range src, Range taps) {
  const int at = src.begin + a.pad - a.dilation * taps.begin, met = floor_div(at, a.stride);
  Section s = gathering(a, src.size(), taps.size(), at - a.stride * met);
  s.src = src;
  s.src_origin = src.begin;
  s.dst_origin += met;
  const Range seen = {-floor_div(-(src.begin + a.pad - a.dilation * (taps.end - 1)), a.stride),
                      floor_div(src.end - 1 + a.pad - a.dilation * taps.begin, a.stride) + 1};
  s.dst = clip(std::max(seen.begin, s.dst_origin), std::min(seen.end, s.dst_origin + a.dst_phases() * s.dst_extent.words), a.dst);
  return s;
}

// The source of a tile of `results` positions of src, wherever it begins, at its largest.
Extent backward_source(const Axis& a, int results, int taps) {
  Extent largest = {};
  for (int ahead = 0; ahead < a.stride; ahead++) {
    const Extent e = gathering(a, results, taps, ahead).dst_extent;
    largest = {std::max(largest.phases, e.phases), std::max(largest.words, e.words)};
  }
  return largest;
}

struct Plane {
  Axis height, width;
  DepthwiseDirection direction;
  bool gathers() const { return direction == DepthwiseDirection::kBackwardData; }
  int rows() const { return gathers() ? height.src : height.dst; }
  int columns() const { return gathers() ? width.src : width.dst; }
};

// Sizes of tiles, and of rectangles of the kernel.
struct Cut {
  int rows, columns;
  int kernel_rows, kernel_columns;
};

Extent source_extent(const Plane& p, const Axis& a, int results, int taps) {
  return p.gathers() ? backward_source(a, results, taps) : forward_section(a, {0, results}, {0, taps}).src_extent;
}

Extent result_extent(const Plane& p, const Axis& a, int results) {
  const int phases = p.gathers() ? a.src_phases() : a.dst_phases();
  return {std::min(phases, results), ceil_div(results, phases)};
}

int row_chunks(const Axis& width, int taps) { return ceil_div(taps_of(width, 0, taps), kTaps) * std::min(width.classes(), taps); }

bool kernel_fits(const Plane& p, const Room& room, int rows, int columns) {
  if (p.direction == DepthwiseDirection::kBackwardWeights) return rows * row_chunks(p.width, columns) <= room.chunks;
  return rows * columns <= room.weights;
}

// Cycles of a tile where it fits: its source and its results at a word of every lane a cycle, in and out of registers, and its
// sweeps.
std::optional<double> cycles(const Plane& p, const Room& room, const Cut& c) {
  const Extent source_h = source_extent(p, p.height, c.rows, c.kernel_rows);
  const Extent source_w = source_extent(p, p.width, c.columns, c.kernel_columns);
  const Extent result_h = result_extent(p, p.height, c.rows), result_w = result_extent(p, p.width, c.columns);
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

// Tiles of the fewest cycles, the last and smaller ones of a plane taken for whole ones; nothing where none fits.
std::optional<Cut> cut_plane(const Plane& p, const Room& room, int kernel_rows, int kernel_columns) {
  std::optional<Cut> best;
  double least = 0;
  const int rows = p.rows(), columns = p.columns();
  int before = 0;
  for (int across = 1; across <= columns; across++) {
    const int tile_columns = ceil_div(columns, across);
    if (tile_columns == before) continue;
    before = tile_columns;
    int low = 0, high = rows;  // fits, and the most that could
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (cycles(p, room, {middle, tile_columns, kernel_rows, kernel_columns})) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    if (low == 0) continue;
    const int down = ceil_div(rows, low);
    const Cut c = {ceil_div(rows, down), tile_columns, kernel_rows, kernel_columns};
    const std::optional<double> cost = cycles(p, room, c);
    if (!cost) continue;
    const double all = *cost * down * across;
    if (!best || all < least) {
      least = all;
      best = c;
    }
  }
  return best;
}

Cut cut(const Plane& p, const Room& room, const std::string& name) {
  int kernel_rows = p.height.kernel, kernel_columns = p.width.kernel;
  for (;;) {
    if (kernel_fits(p, room, kernel_rows, kernel_columns))
      if (const std::optional<Cut> found = cut_plane(p, room, kernel_rows, kernel_columns)) return *found;
    if (kernel_rows == 1 && kernel_columns == 1)
      throw device::Error(name + ": the bitstream has no room for one weight and one result; its acc_words is " +
                          std::to_string(room.result));
    int& larger = kernel_rows > 1 ? kernel_rows : kernel_columns;
    larger = ceil_div(larger, 2);
  }
}

// A rectangle of planes with rows of `row` words.
depthwise_area area(Range rows, Range columns, int row, int first_row, int first_column, int row_phases, int column_phases,
                    Extent row_extent, Extent column_extent, int pitch) {
  depthwise_area a = {};
  const int phase_words = row_extent.words * pitch;
  const bool whole = columns.size() == row, empty = rows.size() == 0 || columns.size() == 0;
  a.offset = empty ? 0 : rows.begin * row + columns.begin;
  a.runs = empty ? 0 : (whole ? 1 : rows.size());
  a.run = whole ? rows.size() * row : columns.size();
  a.columns = columns.size();
  a.row_phases = row_phases;
  a.column_phases = column_phases;
  a.row_kept = row_extent.phases;
  a.column_kept = column_extent.phases;
  a.row_phase = first_row % row_phases;
  a.column_phase = first_column % column_phases;
  a.column_step = phase_words;
  a.column_wrap = 1 - (column_phases - 1) * phase_words;
  a.row_step = column_extent.phases * phase_words;
  a.row_wrap = pitch - (row_phases - 1) * a.row_step;
  a.address =
      a.row_phase * a.row_step + first_row / row_phases * pitch + a.column_phase * phase_words + first_column / column_phases;
  return a;
}

struct Builder {
  const Plane& p;
  const device::Recipe& recipe;
  int pitch;  // on chip, of a row of a phase, in all parts
  DepthwisePass pass;
  std::vector<std::pair<int, int>> lists;  // of sweeps, each of which may be that of many parts

  // The sweeps of a part. `begun` says of the result whether its sums have.
  std::vector<depthwise_sweep> sweeps(const Section& h, const Section& w, Range kernel_columns, std::vector<char>& begun) const;
  depthwise_sweep sweep(const Section& h, const Section& w, const Route& rh, const Route& rw, int tap_row, int tap,
                        int kernel_columns) const;
  void rest(std::vector<depthwise_sweep>& all) const;
  void add(Range rows, Range columns, Range kernel_rows, Range kernel_columns, std::vector<char>& begun);
};

// Of kTaps taps of a row at most, from `tap` of route rw on.
depthwise_sweep Builder::sweep(const Section& h, const Section& w, const Route& rh, const Route& rw, int tap_row, int tap,
                               int kernel_columns) const {
  depthwise_sweep s = {};
  s.taps = std::min(kTaps, rw.taps - tap);
  const int kernel_row = tap_row * p.height.classes() + rh.tap_class, last = tap + s.taps - 1;
  const int src = (rh.src_phase * w.src_extent.phases + rw.src_phase) * h.src_extent.words * pitch;
  const int dst = (rh.dst_phase * w.dst_extent.phases + rw.dst_phase) * h.dst_extent.words * pitch;
  const auto weight = [&](int t) { return kernel_row * kernel_columns + t * p.width.classes() + rw.tap_class; };
  Extent rows = p.gathers() ? h.src_extent : h.dst_extent, columns = p.gathers() ? w.src_extent : w.dst_extent;
  if (p.gathers()) {  // taps run down
    s.result = src;
    s.source = dst + (-rh.shift - tap_row) * pitch - rw.shift - last;
    s.weight = weight(last);
    s.weight_step = -p.width.classes();
  } else {
    s.result = dst;
    s.source = src + (rh.shift + tap_row) * pitch + rw.shift + tap;
    s.weight = weight(tap);
    s.weight_step = p.width.classes();
  }
  if (p.direction == DepthwiseDirection::kBackwardWeights) {  // of what is a result, no more
    rows.words = (h.dst.size() - rh.dst_phase - 1) / p.height.dst_phases() + 1;
    columns.words = (w.dst.size() - rw.dst_phase - 1) / p.width.dst_phases() + 1;
    const int classes = std::min(p.width.classes(), kernel_columns);
    const int chunk = kernel_row * row_chunks(p.width, kernel_columns) + tap / kTaps * classes + rw.tap_class;
    s.weight = chunk * DEPTHWISE_PARTIALS;
    s.weight_step = 0;
  }
  s.columns = columns.words;
  s.words = (rows.words - 1) * pitch + columns.words;
  s.steps = kTaps - 1 + s.words;
  return s;
}

std::vector<depthwise_sweep> Builder::sweeps(const Section& h, const Section& w, Range kernel_columns,
                                             std::vector<char>& begun) const {
  std::vector<depthwise_sweep> all;
  int rows = 0, columns = 0;
  for (const Route& r : h.routes) rows = std::max(rows, r.taps);
  for (const Route& r : w.routes) columns = std::max(columns, r.taps);
  // Phases of the result are innermost, so that a sum rests meanwhile.
  for (int row = 0; row < rows; row++)
    for (int column = 0; column < columns; column += kTaps)
      for (const Route& rh : h.routes)
        for (const Route& rw : w.routes)
          if (row < rh.taps && column < rw.taps) all.push_back(sweep(h, w, rh, rw, row, column, kernel_columns.size()));
  if (p.direction == DepthwiseDirection::kBackwardWeights) return all;

  const int phase_words = (p.gathers() ? h.src_extent : h.dst_extent).words * pitch;
  for (depthwise_sweep& s : all) {
    char& phase = begun[s.result / phase_words];
    s.first = phase == 0 ? 1 : 0;
    phase = 1;
  }
  return all;
}

// Adds idle steps where a sum would be visited again too soon.
void Builder::rest(std::vector<depthwise_sweep>& all) const {
  for (std::size_t i = 0; i < all.size(); i++) {
    int steps = 0;
    for (std::size_t j = i; j-- > 0 && steps < recipe.acc_distance;) {
      steps += all[j].steps;
      if (all[j].result == all[i].result && steps < recipe.acc_distance) all[i - 1].steps += recipe.acc_distance - steps;
      if (all[j].result == all[i].result) break;
    }
  }
}

void Builder::add(Range rows, Range columns, Range kernel_rows, Range kernel_columns, std::vector<char>& begun) {
  const auto section = [&](const Axis& a, Range results, Range taps) {
    return p.gathers() ? backward_section(a, results, taps) : forward_section(a, results, taps);
  };
  const Section h = section(p.height, rows, kernel_rows), w = section(p.width, columns, kernel_columns);

  depthwise_part part = {};
  const depthwise_area src = area(h.src, w.src, p.width.src, h.src.begin - h.src_origin, w.src.begin - w.src_origin,
                                  p.height.src_phases(), p.width.src_phases(), h.src_extent, w.src_extent, pitch);
  const depthwise_area dst = area(h.dst, w.dst, p.width.dst, h.dst.begin - h.dst_origin, w.dst.begin - w.dst_origin,
                                  p.height.dst_phases(), p.width.dst_phases(), h.dst_extent, w.dst_extent, pitch);
  part.source = p.gathers() ? dst : src;
  part.result = p.gathers() ? src : dst;
  const Extent source_h = p.gathers() ? h.dst_extent : h.src_extent, source_w = p.gathers() ? w.dst_extent : w.src_extent;
  const int words = source_h.phases * source_w.phases * source_h.words * pitch + kTaps - 1;
  pass.problem.source_words = std::max(pass.problem.source_words, words);

  const bool whole = kernel_columns.size() == p.width.kernel;
  part.weights_offset = kernel_rows.begin * p.width.kernel + kernel_columns.begin;
  part.weights_runs = whole ? 1 : kernel_rows.size();
  part.weights_run = whole ? kernel_rows.size() * kernel_columns.size() : kernel_columns.size();
  part.kernel_columns = kernel_columns.size();
  part.classes = std::min(p.width.classes(), kernel_columns.size());
  part.row_chunks = row_chunks(p.width, kernel_columns.size());
  part.chunks = part.row_chunks * kernel_rows.size();

  std::vector<depthwise_sweep> all = sweeps(h, w, kernel_columns, begun);
  if (p.direction != DepthwiseDirection::kBackwardWeights) {
    // Phases that no tap reaches are zero; a sweep without taps says so.
    const Extent result_h = p.gathers() ? h.src_extent : h.dst_extent, result_w = p.gathers() ? w.src_extent : w.dst_extent;
    const int phase_words = result_h.words * pitch;
    for (int phase = 0; phase < result_h.phases * result_w.phases; phase++) {
      if (begun[phase] != 0) continue;
      begun[phase] = 1;
      depthwise_sweep zero = {};
      zero.result = phase * phase_words;
      zero.words = (result_h.words - 1) * pitch + result_w.words;
      zero.steps = kTaps - 1 + zero.words;
      zero.first = 1;
      all.push_back(zero);
    }
    rest(all);
  }
  if (all.empty()) part.source.runs = 0;

  const auto same = [&](std::pair<int, int> list) {
    return std::equal(all.begin(), all.end(), pass.sweeps.begin() + list.first, pass.sweeps.begin() + list.second,
                      [](const depthwise_sweep& a, const depthwise_sweep& b) { return std::memcmp(&a, &b, sizeof a) == 0; });
  };
  auto list = std::find_if(lists.begin(), lists.end(), same);
  if (list == lists.end()) {
    const int begin = static_cast<int>(pass.sweeps.size());
    pass.sweeps.insert(pass.sweeps.end(), all.begin(), all.end());
    lists.emplace_back(begin, static_cast<int>(pass.sweeps.size()));
    list = lists.end() - 1;
  }
  part.sweep_begin = list->first;
  part.sweep_end = list->second;
  pass.parts.push_back(part);
}

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

std::string describe(const ConvolutionShape& s) {
  const auto size = [](int a, int b) { return std::to_string(a) + "x" + std::to_string(b); };
  return "depthwise convolution of " + std::to_string(s.N) + "x" + std::to_string(s.C) + "x" + size(s.H, s.W) + ", kernel " +
         size(s.KH, s.KW);
}

}  // namespace

DepthwisePass plan_depthwise(const device::Recipe& recipe, const ConvolutionShape& s, DepthwiseDirection direction) {
  const Plane p = {{s.H, s.P(), s.KH, s.SH, s.PH, s.DH}, {s.W, s.Q(), s.KW, s.SW, s.PW, s.DW}, direction};
  const Room memory = room(recipe);
  const Cut c = cut(p, memory, describe(s));
  Builder builder = {p, recipe, source_extent(p, p.width, c.columns, c.kernel_columns).words, {}, {}};
  const std::vector<Range> rows = runs(p.rows(), c.rows), columns = runs(p.columns(), c.columns);
  const std::vector<Range> kernel_rows = runs(s.KH, c.kernel_rows), kernel_columns = runs(s.KW, c.kernel_columns);
  const int tiles = static_cast<int>(rows.size() * columns.size());
  const int kernel_parts = static_cast<int>(kernel_rows.size() * kernel_columns.size());
  const bool by_kernel = direction == DepthwiseDirection::kBackwardWeights;

  std::vector<depthwise_part>& parts = builder.pass.parts;
  const auto each_tile = [&](const auto& visit) {
    for (const Range& row : rows)
      for (const Range& column : columns) visit(row, column);
  };
  const auto each_kernel_part = [&](const auto& visit) {
    for (const Range& row : kernel_rows)
      for (const Range& column : kernel_columns) visit(row, column);
  };
  if (by_kernel) {
    each_kernel_part([&](Range kernel_row, Range kernel_column) {
      std::vector<char> none;
      each_tile([&](Range row, Range column) { builder.add(row, column, kernel_row, kernel_column, none); });
    });
  } else {
    each_tile([&](Range row, Range column) {
      std::vector<char> begun(static_cast<std::size_t>(result_extent(p, p.height, row.size()).phases) *
                              result_extent(p, p.width, column.size()).phases);
      each_kernel_part([&](Range kernel_row, Range kernel_column) { builder.add(row, column, kernel_row, kernel_column, begun); });
      parts.back().last = 1;
    });
  }

  DepthwisePass pass = std::move(builder.pass);
  const int cycle = by_kernel ? tiles : tiles * kernel_parts;  // parts that take turns
  for (std::size_t i = 0; i < pass.parts.size(); i++) {
    const std::size_t first = i / cycle * cycle, before = i == first ? first + cycle - 1 : i - 1;
    pass.parts[i].clear = leaves_zeros(pass.parts[before], pass.parts[i], pass.problem.source_words) ? 0 : 1;
    pass.parts[i].load_weights = kernel_parts > 1 ? 1 : 0;
  }

  depthwise_problem& problem = pass.problem;
  problem.planes = s.N * s.C;
  problem.channels = s.C;
  problem.source_plane = p.gathers() ? s.P() * s.Q() : s.H * s.W;
  problem.source_row = p.gathers() ? s.Q() : s.W;
  problem.result_plane = p.gathers() ? s.H * s.W : s.P() * s.Q();
  problem.result_row = p.gathers() ? s.W : s.Q();
  problem.kernel_plane = s.KH * s.KW;
  problem.kernel_row = s.KW;
  problem.pitch = builder.pitch;
  problem.tiles = tiles;
  problem.parts = tiles * kernel_parts;
  problem.source_image = s.C * problem.source_plane;
  problem.result_image = s.C * problem.result_plane;
  problem.source_blob = s.N * problem.source_image;
  problem.result_blob = s.N * problem.result_image;
  problem.weights_blob = s.C * problem.kernel_plane;

  const double floats = static_cast<double>(problem.planes) * (problem.source_plane + problem.result_plane);
  const int units = units_for(recipe, floats);
  const int step = by_kernel ? 1 : kernel_parts;
  const int items = by_kernel ? ceil_div(s.C, recipe.lanes) : ceil_div(problem.planes, recipe.lanes) * tiles;
  for (const UnitRange& range : share_out(items, units)) {
    const int begin = range.begin * step, plane = (by_kernel ? begin : begin / problem.parts) * recipe.lanes;
    pass.units.push_back({begin, range.end * step, plane, by_kernel ? 0 : begin % problem.parts, plane * problem.source_plane,
                          plane * problem.result_plane, plane * problem.kernel_plane});
  }
  return pass;
}

}  // namespace barista::ops
