// Positions of an axis, for plans that cut planes into tiles.
#ifndef BARISTA_OPS_RANGES_HPP_
#define BARISTA_OPS_RANGES_HPP_

#include <algorithm>

namespace barista::ops {

// Of a >= 0 and b > 0, rounded up.
inline int ceil_div(int a, int b) { return (a + b - 1) / b; }

// Of any a and b > 0, rounded down.
inline int floor_div(int a, int b) { return a >= 0 ? a / b : -ceil_div(-a, b); }

// Positions [begin, end) of an axis.
struct Range {
  int begin, end;
  int size() const { return end - begin; }
};

// Those of begin to end that an axis of `size` has.
inline Range clip(int begin, int end, int size) {
  const int from = std::clamp(begin, 0, size);
  return {from, std::clamp(end, from, size)};
}

}  // namespace barista::ops

#endif  // BARISTA_OPS_RANGES_HPP_
