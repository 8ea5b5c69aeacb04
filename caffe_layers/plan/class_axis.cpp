#include "plan/class_axis.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "plan/losses.hpp"
#include "plan/ranges.hpp"
#include "plan/unsupported.hpp"

namespace barista::plan {
namespace {

constexpr std::int64_t kPartials = 8;  // CLASS_PARTIALS, in which sums and maxima take turns

int group_count(const ClassAxis& axis, int lanes) {
  return axis.inner == 1 ? ceil_div(axis.outer, lanes) : axis.outer * ceil_div(axis.inner, lanes);
}

lane_range groups_from(const ClassAxis& axis, int lanes, const UnitRange& groups) {
  const int image_values = axis.classes * axis.inner;
  if (axis.inner == 1) {
    const int row = groups.begin * lanes;
    return {groups.begin, groups.end, 0, row, row * axis.classes, image_values};
  }
  const int groups_an_image = ceil_div(axis.inner, lanes), image = groups.begin / groups_an_image;
  const int inner = groups.begin % groups_an_image * lanes;
  return {groups.begin, groups.end, inner, image * axis.inner + inner, image * image_values + inner, image_values};
}

// Of a group's classes: how often they are swept, loaded (of how many tensors) and stored.
struct Sweeps {
  int sweeps, tensors, stores;
};

std::int64_t sweep_steps(const Recipe& recipe, const ClassAxis& axis, const Sweeps& s) {
  const std::int64_t lanes = recipe.lanes;
  // All that fit the memory are loaded once, else again for each sweep.
  const std::int64_t loads = s.tensors * (axis.classes > recipe.acc_words ? s.sweeps : 1);
  std::int64_t blocks = 0;  // of LANES classes
  for (int first = 0; first < axis.classes; first += recipe.acc_words)
    blocks += ceil_div(std::min(recipe.acc_words, axis.classes - first), recipe.lanes);
  return std::int64_t{s.sweeps} * axis.classes + loads * (blocks * lanes + axis.classes) + s.stores * blocks * 2 * lanes;
}

// `others`: steps of a group beside the sweeps; `labels`, `verdicts`: loaded, or stored, for each position.
GroupsPass plan_groups(const Recipe& recipe, const ClassAxis& axis, const Sweeps& s, std::int64_t others, int labels,
                       int verdicts) {
  GroupsPass pass;
  const int groups = group_count(axis, recipe.lanes);
  for (const UnitRange& part : share_out(groups, recipe.compute_units)) pass.units.push_back(groups_from(axis, recipe.lanes, part));
  const std::int64_t positions = axis.positions(), values = positions * axis.classes;
  pass.cost.launches = static_cast<std::int64_t>(pass.units.size());
  pass.cost.steps = groups * (sweep_steps(recipe, axis, s) + others);
  pass.cost.loaded = values * s.tensors * (axis.classes > recipe.acc_words ? s.sweeps : 1) + positions * labels;
  pass.cost.stored = values * s.stores + positions * verdicts;
  return pass;
}

}  // namespace

void validate(const ClassAxis& axis, const char* what) {
  if (std::min({axis.outer, axis.classes, axis.inner}) >= 1) return;
  throw Unsupported(std::string(what) + " of " + std::to_string(axis.outer) + "x" + std::to_string(axis.classes) + "x" +
                    std::to_string(axis.inner) + ": every size must be at least 1");
}

GroupsPass plan_softmax_forward(const Recipe& recipe, const ClassAxis& axis, bool labels) {
  // Partial results are put together after each sweep; reciprocals and logarithms are taken lane after lane.
  const std::int64_t others = 3 * (kPartials - 1) + recipe.lanes + (labels ? recipe.lanes : 0);
  return plan_groups(recipe, axis, {3, 1, 1}, others, labels ? 1 : 0, 0);
}

GroupsPass plan_softmax_backward(const Recipe& recipe, const ClassAxis& axis) {
  return plan_groups(recipe, axis, {2, 2, 1}, kPartials - 1, 0, 0);
}

GroupsPass plan_accuracy(const Recipe& recipe, const ClassAxis& axis, bool keeps_right) {
  return plan_groups(recipe, axis, {2, 1, 0}, 0, 1, keeps_right ? 1 : 0);
}

ClassRowsPass plan_softmax_loss_backward(const Recipe& recipe, const ClassAxis& axis) {
  ClassRowsPass pass;
  const bool class_a_word = axis.inner == 1;
  const int rows = class_a_word ? axis.outer : axis.outer * axis.classes;
  for (const UnitRange& part : share_out(rows, recipe.compute_units)) {
    if (class_a_word) {
      pass.units.push_back({part.begin, part.end, 0, part.begin * axis.classes, part.begin});
    } else {
      pass.units.push_back(
          {part.begin, part.end, part.begin % axis.classes, part.begin * axis.inner, part.begin / axis.classes * axis.inner});
    }
  }
  const std::int64_t launches = static_cast<std::int64_t>(pass.units.size()),
                     values = std::int64_t{axis.positions()} * axis.classes;
  const std::int64_t steps = std::int64_t{rows} * ceil_div(class_a_word ? axis.classes : axis.inner, recipe.lanes);
  // A row's one label is read with each of its vectors; the loss's weight by each launch.
  pass.cost = {launches, steps, values + (class_a_word ? steps : values) + launches, values, 0};
  return pass;
}

PerClassPass plan_accuracy_per_class(const Recipe& recipe, const ClassAxis& axis) {
  const int vectors = ceil_div(axis.classes, recipe.lanes);
  PerClassPass pass = {share_out(vectors, recipe.compute_units), {}};
  const std::int64_t positions = axis.positions();
  pass.cost = {static_cast<std::int64_t>(pass.units.size()), vectors * (positions + recipe.lanes), vectors * positions * 2,
               axis.classes, 0};
  return pass;
}

std::vector<PassCost> softmax_costs(const Recipe& recipe, const ClassAxis& axis) {
  validate(axis, "softmax");
  return {{"forward", plan_softmax_forward(recipe, axis, false).cost}, {"backward", plan_softmax_backward(recipe, axis).cost}};
}

std::vector<PassCost> softmax_loss_costs(const Recipe& recipe, const ClassAxis& axis) {
  validate(axis, "softmax with loss");
  Cost forward = plan_softmax_forward(recipe, axis, true).cost;
  forward += loss_finish_cost(forward.launches);
  return {{"forward", forward}, {"backward", plan_softmax_loss_backward(recipe, axis).cost}};
}

std::vector<PassCost> accuracy_costs(const Recipe& recipe, const ClassAxis& axis, bool per_class) {
  validate(axis, "accuracy");
  Cost forward = plan_accuracy(recipe, axis, per_class).cost;
  forward += loss_finish_cost(forward.launches);
  if (per_class) forward += plan_accuracy_per_class(recipe, axis).cost;
  return {{"forward", forward}};
}

}  // namespace barista::plan
