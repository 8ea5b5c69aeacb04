// The parts of a depthwise pass, each a tile of the result and a rectangle of the kernel, with the sweeps that they take.
#ifndef BARISTA_PLAN_DEPTHWISE_PARTS_HPP_
#define BARISTA_PLAN_DEPTHWISE_PARTS_HPP_

#include <utility>
#include <vector>

#include "interface/depthwise_problem.h"
#include "plan/depthwise_tiles.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

class DepthwiseParts {
 public:
  // `pitch`: words on chip from a row of a phase to the next, in all parts.
  DepthwiseParts(const Recipe& recipe, const DepthwisePlane& plane, int pitch) : recipe_(recipe), p_(plane), pitch_(pitch) {}

  // Adds the part of these results and taps. `begun` says of each phase of the tile's result whether its sums have begun.
  void add(Range rows, Range columns, Range kernel_rows, Range kernel_columns, std::vector<char>& begun);

  std::vector<depthwise_part> parts;
  std::vector<depthwise_sweep> sweeps;
  int source_words = 0;  // on chip, in any part

 private:
  using Sweeps = std::vector<depthwise_sweep>;
  Sweeps part_sweeps(const AxisTile& h, const AxisTile& w, Range kernel_columns, std::vector<char>& begun) const;
  depthwise_sweep sweep(const AxisTile& h, const AxisTile& w, const TapRoute& rh, const TapRoute& rw, int tap_row, int tap,
                        int kernel_columns) const;
  void clear_phases_without_taps(const AxisTile& h, const AxisTile& w, std::vector<char>& begun, Sweeps& all) const;
  void add_idle_steps(Sweeps& all) const;
  std::pair<int, int> kept(const Sweeps& all);

  const Recipe& recipe_;
  const DepthwisePlane& p_;
  int pitch_;
  std::vector<std::pair<int, int>> lists_;  // of sweeps, each of which may be that of many parts
};

}  // namespace barista::plan

#endif  // BARISTA_PLAN_DEPTHWISE_PARTS_HPP_
