// Plans for copies of rows, and what is made of them: concatenation, slicing, and the gradient of a blob that several layers read.
#ifndef BARISTA_PLAN_COPY_HPP_
#define BARISTA_PLAN_COPY_HPP_

#include <vector>

#include "interface/copy_block.h"
#include "plan/cost.hpp"
#include "plan/recipe.hpp"
#include "plan/units.hpp"

namespace barista::plan {

// `rows` rows of `run` floats, which begin `offset` floats into their buffer and every `stride` floats after that.
struct CopyRows {
  int rows, run;
  int src_offset, src_stride;
  int dst_offset, dst_stride;
};

struct CopyPass {
  copy_block block;
  std::vector<copy_range> units;  // one launch each; none where there is nothing to copy
  Cost cost;
};

CopyPass plan_copy(const Recipe& recipe, const CopyRows& rows);

// Where part number `part` of a row lies, of parts of `runs` floats each; `joins` them, or takes a row apart.
CopyRows part_of_row(const std::vector<int>& runs, std::size_t part, int rows, bool joins);

// dst[i] = a[i] + b[i] for `count` > 0 elements.
struct AddPass {
  std::vector<UnitRange> units;  // one launch each
  Cost cost;
};
AddPass plan_add(const Recipe& recipe, int count);

// "forward" and "backward": a blob of `rows` rows is put together of parts of `runs` floats a row, and taken apart; the other way round.
std::vector<PassCost> concat_costs(const Recipe& recipe, const std::vector<int>& runs, int rows);
std::vector<PassCost> slice_costs(const Recipe& recipe, const std::vector<int>& runs, int rows);
// "backward": the sum of `readers` >= 1 gradients of `count` elements.
std::vector<PassCost> split_costs(const Recipe& recipe, int readers, int count);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_COPY_HPP_
