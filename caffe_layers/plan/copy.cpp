#include "plan/copy.hpp"

#include <cstdint>
#include <numeric>

#include "plan/ranges.hpp"

namespace barista::plan {
namespace {

Cost all_parts(const Recipe& recipe, const std::vector<int>& runs, int rows, bool joins) {
  Cost cost;
  for (std::size_t part = 0; part < runs.size(); part++) cost += plan_copy(recipe, part_of_row(runs, part, rows, joins)).cost;
  return cost;
}

}  // namespace

CopyPass plan_copy(const Recipe& recipe, const CopyRows& r) {
  CopyPass pass = {{r.rows, r.run, r.src_offset, r.src_stride, r.dst_offset, r.dst_stride}, {}, {}};
  if (r.rows < 1 || r.run < 1) return pass;
  const int lanes = recipe.lanes, vectors_a_row = ceil_div(r.run, lanes), vectors = r.rows * vectors_a_row;
  for (const UnitRange& part : share_out(vectors, recipe.compute_units)) {
    const int row = part.begin / vectors_a_row;
    pass.units.push_back({part.begin, part.end, part.begin % vectors_a_row * lanes, r.src_offset + row * r.src_stride,
                          r.dst_offset + row * r.dst_stride});
  }
  const std::int64_t elements = std::int64_t{r.rows} * r.run;
  pass.cost = {static_cast<std::int64_t>(pass.units.size()), vectors, elements, elements, 0};
  return pass;
}

CopyRows part_of_row(const std::vector<int>& runs, std::size_t part, int rows, bool joins) {
  const auto begin = runs.begin() + static_cast<std::ptrdiff_t>(part);
  const int row = std::accumulate(runs.begin(), runs.end(), 0), offset = std::accumulate(runs.begin(), begin, 0);
  if (joins) return {rows, *begin, 0, *begin, offset, row};
  return {rows, *begin, offset, row, 0, *begin};
}

AddPass plan_add(const Recipe& recipe, int count) {
  const int vectors = ceil_div(count, recipe.lanes);
  AddPass pass = {share_out(vectors, recipe.compute_units), {}};
  pass.cost = {static_cast<std::int64_t>(pass.units.size()), vectors, std::int64_t{count} * 2, count, 0};
  return pass;
}

std::vector<PassCost> concat_costs(const Recipe& recipe, const std::vector<int>& runs, int rows) {
  return {{"forward", all_parts(recipe, runs, rows, true)}, {"backward", all_parts(recipe, runs, rows, false)}};
}

std::vector<PassCost> slice_costs(const Recipe& recipe, const std::vector<int>& runs, int rows) {
  return {{"forward", all_parts(recipe, runs, rows, false)}, {"backward", all_parts(recipe, runs, rows, true)}};
}

std::vector<PassCost> split_costs(const Recipe& recipe, int readers, int count) {
  Cost cost;
  if (readers == 1) cost = plan_copy(recipe, {1, count, 0, count, 0, count}).cost;
  for (int i = 1; i < readers && count > 0; i++) cost += plan_add(recipe, count).cost;
  return {{"backward", cost}};
}

}  // namespace barista::plan
