// How work is shared out to the compute units.
#ifndef BARISTA_PLAN_UNITS_HPP_
#define BARISTA_PLAN_UNITS_HPP_

#include <vector>

#include "plan/recipe.hpp"

namespace barista::plan {

// Items [begin, end).
struct UnitRange {
  int begin, end;
};

// `items` in runs of equal length but for one; no more runs than there are units or items.
inline std::vector<UnitRange> share_out(int items, int units) {
  std::vector<UnitRange> ranges;
  const int parts = items < units ? items : units;
  for (long part = 0; part < parts; part++)
    ranges.push_back({static_cast<int>(part * items / parts), static_cast<int>((part + 1) * items / parts)});
  return ranges;
}

// A launch costs what moving some thousand floats does: work of less than this for each unit stays on the first.
constexpr double kFloatsWorthALaunch = 8192;

// How many units take part where there are `floats` to move.
inline int units_for(const Recipe& recipe, double floats) { return floats < 2 * kFloatsWorthALaunch ? 1 : recipe.compute_units; }

}  // namespace barista::plan

#endif  // BARISTA_PLAN_UNITS_HPP_
