// Positions of an axis, for plans that cut planes into tiles.
#ifndef BARISTA_PLAN_RANGES_HPP_
#define BARISTA_PLAN_RANGES_HPP_

#include <algorithm>

namespace barista::plan {

// Of a >= 0 and b > 0, rounded up. No sum in it that could overflow.
inline int ceil_div(int a, int b) { return a / b + (a % b != 0); }

// The least multiple of b that is at least a, of a >= 0 and b > 0.
inline int round_up(int a, int b) { return ceil_div(a, b) * b; }

// Of any a and b > 0, rounded down.
inline int floor_div(int a, int b) { return a >= 0 ? a / b : -ceil_div(-a, b); }

// The remainder of any a and b > 0, in [0, b).
inline int positive_mod(int a, int b) { return a - floor_div(a, b) * b; }

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

}  // namespace barista::plan

#endif  // BARISTA_PLAN_RANGES_HPP_
