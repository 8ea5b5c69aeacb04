#include "plan/depthwise_parts.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace barista::plan {
namespace {

constexpr int kTaps = DEPTHWISE_TAPS;

// Where the planes' rectangle of a tile lies, in memory with rows of `row` words, and on chip. `first_row` and `first_column` are
// counted from word 0 of phase 0.
depthwise_area area(Range rows, Range columns, int row, int first_row, int first_column, int row_phases, int column_phases,
                    PhaseExtent row_extent, PhaseExtent column_extent, int pitch) {
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

}  // namespace

// Of kTaps taps of a row at most, from `tap` of route rw on.
depthwise_sweep DepthwiseParts::sweep(const AxisTile& h, const AxisTile& w, const TapRoute& rh, const TapRoute& rw, int tap_row,
                                      int tap, int kernel_columns) const {
  depthwise_sweep s = {};
  s.taps = std::min(kTaps, rw.taps - tap);
  const int kernel_row = tap_row * p_.height.classes() + rh.tap_class, last = tap + s.taps - 1;
  const int src = (rh.src_phase * w.src_extent.phases + rw.src_phase) * h.src_extent.words * pitch_;
  const int dst = (rh.dst_phase * w.dst_extent.phases + rw.dst_phase) * h.dst_extent.words * pitch_;
  const auto weight = [&](int t) { return kernel_row * kernel_columns + t * p_.width.classes() + rw.tap_class; };
  PhaseExtent rows = p_.gathers() ? h.src_extent : h.dst_extent, columns = p_.gathers() ? w.src_extent : w.dst_extent;
  if (p_.gathers()) {  // taps run down
    s.result = src;
    s.source = dst + (-rh.shift - tap_row) * pitch_ - rw.shift - last;
    s.weight = weight(last);
    s.weight_step = -p_.width.classes();
  } else {
    s.result = dst;
    s.source = src + (rh.shift + tap_row) * pitch_ + rw.shift + tap;
    s.weight = weight(tap);
    s.weight_step = p_.width.classes();
  }
  if (p_.direction == DepthwiseDirection::kBackwardWeights) {  // of what is a result, no more
    rows.words = (h.dst.size() - rh.dst_phase - 1) / p_.height.dst_phases() + 1;
    columns.words = (w.dst.size() - rw.dst_phase - 1) / p_.width.dst_phases() + 1;
    const int classes = std::min(p_.width.classes(), kernel_columns);
    const int chunk = kernel_row * row_chunks(p_.width, kernel_columns) + tap / kTaps * classes + rw.tap_class;
    s.weight = chunk * DEPTHWISE_PARTIALS;
    s.weight_step = 0;
  }
  s.columns = columns.words;
  s.words = (rows.words - 1) * pitch_ + columns.words;
  s.steps = kTaps - 1 + s.words;
  return s;
}

DepthwiseParts::Sweeps DepthwiseParts::part_sweeps(const AxisTile& h, const AxisTile& w, Range kernel_columns,
                                                   std::vector<char>& begun) const {
  Sweeps all;
  int rows = 0, columns = 0;
  for (const TapRoute& r : h.routes) rows = std::max(rows, r.taps);
  for (const TapRoute& r : w.routes) columns = std::max(columns, r.taps);
  // Phases of the result are innermost, so that a sum rests meanwhile.
  for (int row = 0; row < rows; row++)
    for (int column = 0; column < columns; column += kTaps)
      for (const TapRoute& rh : h.routes)
        for (const TapRoute& rw : w.routes)
          if (row < rh.taps && column < rw.taps) all.push_back(sweep(h, w, rh, rw, row, column, kernel_columns.size()));
  if (p_.direction == DepthwiseDirection::kBackwardWeights) return all;

  const int phase_words = (p_.gathers() ? h.src_extent : h.dst_extent).words * pitch_;
  for (depthwise_sweep& s : all) {
    char& phase = begun[s.result / phase_words];
    s.first = phase == 0 ? 1 : 0;
    phase = 1;
  }
  clear_phases_without_taps(h, w, begun, all);
  add_idle_steps(all);
  return all;
}

// Phases that no tap leads to are zero; a sweep without taps says so.
void DepthwiseParts::clear_phases_without_taps(const AxisTile& h, const AxisTile& w, std::vector<char>& begun, Sweeps& all) const {
  const PhaseExtent rows = p_.gathers() ? h.src_extent : h.dst_extent, columns = p_.gathers() ? w.src_extent : w.dst_extent;
  for (int phase = 0; phase < rows.phases * columns.phases; phase++) {
    if (begun[phase] != 0) continue;
    begun[phase] = 1;
    depthwise_sweep zero = {};
    zero.result = phase * rows.words * pitch_;
    zero.words = (rows.words - 1) * pitch_ + columns.words;
    zero.steps = kTaps - 1 + zero.words;
    zero.first = 1;
    all.push_back(zero);
  }
}

// Where a sum would be updated again too soon.
void DepthwiseParts::add_idle_steps(Sweeps& all) const {
  for (std::size_t i = 0; i < all.size(); i++) {
    int steps = 0;
    for (std::size_t j = i; j-- > 0 && steps < recipe_.acc_distance;) {
      steps += all[j].steps;
      if (all[j].result == all[i].result && steps < recipe_.acc_distance) all[i - 1].steps += recipe_.acc_distance - steps;
      if (all[j].result == all[i].result) break;
    }
  }
}

// Where the same list lies among all sweeps, to which it is added where it isn't there.
std::pair<int, int> DepthwiseParts::kept(const Sweeps& all) {
  const auto same = [&](std::pair<int, int> list) {
    return std::equal(all.begin(), all.end(), sweeps.begin() + list.first, sweeps.begin() + list.second,
                      [](const depthwise_sweep& a, const depthwise_sweep& b) { return std::memcmp(&a, &b, sizeof a) == 0; });
  };
  const auto found = std::find_if(lists_.begin(), lists_.end(), same);
  if (found != lists_.end()) return *found;
  const int begin = static_cast<int>(sweeps.size());
  sweeps.insert(sweeps.end(), all.begin(), all.end());
  lists_.emplace_back(begin, static_cast<int>(sweeps.size()));
  return lists_.back();
}

void DepthwiseParts::add(Range rows, Range columns, Range kernel_rows, Range kernel_columns, std::vector<char>& begun) {
  const auto tile = [&](const DepthwiseAxis& a, Range results, Range taps) {
    return p_.gathers() ? backward_tile(a, results, taps) : forward_tile(a, results, taps);
  };
  const AxisTile h = tile(p_.height, rows, kernel_rows), w = tile(p_.width, columns, kernel_columns);

  depthwise_part part = {};
  const depthwise_area src = area(h.src, w.src, p_.width.src, h.src.begin - h.src_origin, w.src.begin - w.src_origin,
                                  p_.height.src_phases(), p_.width.src_phases(), h.src_extent, w.src_extent, pitch_);
  const depthwise_area dst = area(h.dst, w.dst, p_.width.dst, h.dst.begin - h.dst_origin, w.dst.begin - w.dst_origin,
                                  p_.height.dst_phases(), p_.width.dst_phases(), h.dst_extent, w.dst_extent, pitch_);
  part.source = p_.gathers() ? dst : src;
  part.result = p_.gathers() ? src : dst;
  const PhaseExtent source_h = p_.gathers() ? h.dst_extent : h.src_extent, source_w = p_.gathers() ? w.dst_extent : w.src_extent;
  source_words = std::max(source_words, source_h.phases * source_w.phases * source_h.words * pitch_ + kTaps - 1);

  const bool whole = kernel_columns.size() == p_.width.kernel;
  part.weights_offset = kernel_rows.begin * p_.width.kernel + kernel_columns.begin;
  part.weights_runs = whole ? 1 : kernel_rows.size();
  part.weights_run = whole ? kernel_rows.size() * kernel_columns.size() : kernel_columns.size();
  part.kernel_columns = kernel_columns.size();
  part.classes = std::min(p_.width.classes(), kernel_columns.size());
  part.row_chunks = row_chunks(p_.width, kernel_columns.size());
  part.chunks = part.row_chunks * kernel_rows.size();

  const Sweeps all = part_sweeps(h, w, kernel_columns, begun);
  if (all.empty()) part.source.runs = 0;
  std::tie(part.sweep_begin, part.sweep_end) = kept(all);
  parts.push_back(part);
}

}  // namespace barista::plan
