#include "ops/solver_update.hpp"

#include <string>
#include <utility>
#include <vector>

#include "ops/units.hpp"

namespace barista::ops {
namespace {

using device::Argument;

// A launch costs what a few thousand elements do: less than twice that stays on one unit.
constexpr int kElementsWorthALaunch = 8192;
constexpr int kLanes = 16;  // a unit's part begins where a word of external memory does

}  // namespace

bool has_second_history(const solver_rule& rule) { return rule.method == SOLVER_ADADELTA || rule.method == SOLVER_ADAM; }

void solver_update(device::DeviceManager& manager, const solver_rule& rule, device::Buffer& weights, device::Buffer& diff_weights,
                   device::Buffer& first, device::Buffer* second, const device::Buffer* norm, int count) {
  if (count <= 0) return;
  const int units = count < 2 * kElementsWorthALaunch ? 1 : manager.recipe().compute_units;
  const std::vector<UnitRange> parts = share_out((count - 1) / kLanes + 1, units);
  std::vector<device::Launch> all;
  for (std::size_t unit = 0; unit < parts.size(); unit++) {
    const int begin = parts[unit].begin * kLanes, end = unit + 1 < parts.size() ? parts[unit].end * kLanes : count;
    all.push_back({"solver_update_" + std::to_string(unit),
                   static_cast<int>(unit),
                   {Argument::inout(weights), Argument::inout(diff_weights), Argument::inout(first),
                    Argument::inout(second != nullptr ? *second : first), Argument::in(norm != nullptr ? *norm : first),
                    Argument::value(rule), Argument::value(begin), Argument::value(end)}});
  }
  manager.launch(all);
}

void add_squared_norm(device::DeviceManager& manager, const device::Buffer& diff_weights, device::Buffer& norm, bool begins,
                      int count) {
  if (count <= 0) return;
  manager.launch({{"squared_norm",
                   0,
                   {Argument::in(diff_weights), begins ? Argument::out(norm) : Argument::inout(norm), Argument::value(count),
                    Argument::value(begins ? 1 : 0)}}});
}

}  // namespace barista::ops
