#include "plan/depthwise_axis.hpp"

#include <algorithm>

namespace barista::plan {
namespace {

// Of `results` positions of dst from one of phase 0 on; word 0 of src is what the first of them meets at the first tap.
std::vector<TapRoute> forward_routes(const DepthwiseAxis& a, int results, int taps) {
  std::vector<TapRoute> routes;
  for (int l = 0; l < std::min(a.classes(), taps); l++)
    for (int j = 0; j < std::min(a.dst_phases(), results); j++) {
      const int at = a.stride * j + a.dilation * l;
      routes.push_back({j, l, taps_of(a, l, taps), at % a.src_phases(), at / a.src_phases()});
    }
  return routes;
}

// Of `results` positions of src, of which the first lies `ahead` < stride behind the one that position 0 of dst meets at the
// first tap. The origin of dst is counted from there.
AxisTile gathering_tile(const DepthwiseAxis& a, int results, int taps, int ahead) {
  AxisTile t = {};
  t.src_extent = {std::min(a.src_phases(), results), ceil_div(results, a.src_phases())};
  int first = 0, last = 0, lowest = 0, highest = 0;  // phases and indices of dst
  for (const TapRoute& r : forward_routes(a, a.dst_phases(), taps)) {
    const int at = r.src_phase + a.src_phases() * r.shift - ahead, phase = positive_mod(at, a.src_phases());
    if (phase >= t.src_extent.phases) continue;
    const int shift = floor_div(at, a.src_phases()), low = -(shift + r.taps - 1), high = t.src_extent.words - 1 - shift;
    const bool only = t.routes.empty();
    first = only ? r.dst_phase : std::min(first, r.dst_phase);
    last = only ? r.dst_phase : std::max(last, r.dst_phase);
    lowest = only ? low : std::min(lowest, low);
    highest = only ? high : std::max(highest, high);
    t.routes.push_back({r.dst_phase, r.tap_class, r.taps, phase, shift});
  }
  if (t.routes.empty()) return t;
  for (TapRoute& r : t.routes) {
    r.dst_phase -= first;
    r.shift += lowest;
  }
  t.dst_origin = first + a.dst_phases() * lowest;
  t.dst_extent = {last - first + 1, highest - lowest + 1};
  return t;
}

}  // namespace

int taps_of(const DepthwiseAxis& a, int tap_class, int taps) {
  return tap_class < taps ? (taps - tap_class - 1) / a.classes() + 1 : 0;
}

AxisTile forward_tile(const DepthwiseAxis& a, Range dst, Range taps) {
  AxisTile t = {};
  t.dst = dst;
  t.dst_origin = dst.begin;
  t.routes = forward_routes(a, dst.size(), taps.size());
  t.dst_extent = {std::min(a.dst_phases(), dst.size()), ceil_div(dst.size(), a.dst_phases())};
  int halo = 0;
  for (const TapRoute& r : t.routes) {
    halo = std::max(halo, r.taps - 1 + r.shift);
    t.src_extent.phases = std::max(t.src_extent.phases, r.src_phase + 1);
  }
  t.src_extent.words = t.dst_extent.words + halo;
  t.src_origin = a.stride * dst.begin + a.dilation * taps.begin - a.pad;
  t.src = clip(t.src_origin, t.src_origin + a.stride * (dst.size() - 1) + a.dilation * (taps.size() - 1) + 1, a.src);
  return t;
}

AxisTile backward_tile(const DepthwiseAxis& a, Range src, Range taps) {
  const int at = src.begin + a.pad - a.dilation * taps.begin, met = floor_div(at, a.stride);
  AxisTile t = gathering_tile(a, src.size(), taps.size(), at - a.stride * met);
  t.src = src;
  t.src_origin = src.begin;
  t.dst_origin += met;
  const Range seen = {-floor_div(-(src.begin + a.pad - a.dilation * (taps.end - 1)), a.stride),
                      floor_div(src.end - 1 + a.pad - a.dilation * taps.begin, a.stride) + 1};
  t.dst = clip(std::max(seen.begin, t.dst_origin), std::min(seen.end, t.dst_origin + a.dst_phases() * t.dst_extent.words), a.dst);
  return t;
}

PhaseExtent backward_source(const DepthwiseAxis& a, int results, int taps) {
  PhaseExtent largest = {};
  for (int ahead = 0; ahead < a.stride; ahead++) {
    const PhaseExtent e = gathering_tile(a, results, taps, ahead).dst_extent;
    largest = {std::max(largest.phases, e.phases), std::max(largest.words, e.words)};
  }
  return largest;
}

}  // namespace barista::plan
