// One axis of a depthwise convolution: its phases, and which taps lead from which phase to which.
//
// Along an axis, the step S and the dilation D, g being what divides both: rows of dst in D/g phases and kernel rows in S/g
// classes lead to rows of src in S * D/g phases: a = D/g * i + j and k = S/g * t + l give S * a + D * k = (S * D/g) * (i + t) +
// S * j + D * l. So between a phase j of dst and one of src, class l is a convolution of stride 1 without dilation. That is a
// *tap route*.
#ifndef BARISTA_PLAN_DEPTHWISE_AXIS_HPP_
#define BARISTA_PLAN_DEPTHWISE_AXIS_HPP_

#include <numeric>
#include <vector>

#include "plan/ranges.hpp"

namespace barista::plan {

// Height or width.
struct DepthwiseAxis {
  int src, dst, kernel;  // sizes
  int stride, pad, dilation;

  int divisor() const { return std::gcd(stride, dilation); }
  int src_phases() const { return stride / divisor() * dilation; }
  int dst_phases() const { return dilation / divisor(); }
  int classes() const { return stride / divisor(); }
};

// From index i of a phase of dst, tap t of a class leads to index i + t + shift of a phase of src.
struct TapRoute {
  int dst_phase, tap_class, taps, src_phase, shift;
};

// Phases on chip, and words of each.
struct PhaseExtent {
  int phases, words;
};

// A tile along an axis: positions of src and dst, of which one is the result, and the taps between them.
struct AxisTile {
  Range src, dst;              // positions of the planes that are loaded or stored
  int src_origin, dst_origin;  // position of word 0 of phase 0
  PhaseExtent src_extent, dst_extent;
  std::vector<TapRoute> routes;
};

// How many of the kernel's first `taps` are of a class.
int taps_of(const DepthwiseAxis& axis, int tap_class, int taps);

AxisTile forward_tile(const DepthwiseAxis& axis, Range dst, Range taps);
AxisTile backward_tile(const DepthwiseAxis& axis, Range src, Range taps);

// The source of a backward tile of `results` positions of src, wherever it begins, at its largest.
PhaseExtent backward_source(const DepthwiseAxis& axis, int results, int taps);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_DEPTHWISE_AXIS_HPP_
