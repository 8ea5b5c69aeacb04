// Launches that share work out to the compute units.
#ifndef BARISTA_OPS_UNITS_HPP_
#define BARISTA_OPS_UNITS_HPP_

#include <string>
#include <utility>
#include <vector>

#include "device/program.hpp"
#include "plan/units.hpp"

namespace barista::ops {

using plan::kFloatsWorthALaunch;
using plan::share_out;
using plan::UnitRange;
using plan::units_for;

// One launch a range, of kernels that end in their unit's number and take last what `described` makes of the range: on the device a product
// or a quotient is made by an operator that waits for ever after. On the first unit alone where `floats` are few.
template <typename Described>
std::vector<device::Launch> unit_launches(const device::Program& program, const std::string& kernel,
                                          const std::vector<device::Argument>& arguments, int items, double floats,
                                          const Described& described) {
  const std::vector<UnitRange> ranges = share_out(items, units_for(program.recipe(), floats));
  std::vector<device::Launch> all;
  for (std::size_t unit = 0; unit < ranges.size(); unit++) {
    device::Launch launch = {kernel + std::to_string(unit), static_cast<int>(unit), arguments};
    launch.arguments.push_back(device::Argument::value(described(ranges[unit])));
    all.push_back(std::move(launch));
  }
  return all;
}

// Enqueues them. Returns how many units take part.
template <typename Described>
int launch_on_units(device::Program& program, const std::string& kernel, const std::vector<device::Argument>& arguments, int items,
                    double floats, const Described& described) {
  const std::vector<device::Launch> all = unit_launches(program, kernel, arguments, items, floats, described);
  program.launch(all);
  return static_cast<int>(all.size());
}

// The same of kernels that take the range itself; on all units where `floats` are not said.
inline int launch_on_units(device::Program& program, const std::string& kernel, const std::vector<device::Argument>& arguments,
                           int items, double floats = 2 * kFloatsWorthALaunch) {
  return launch_on_units(program, kernel, arguments, items, floats, [](const UnitRange& range) { return range; });
}

// Shares `items` out in runs of whole `grain`s, but for the last, by kernels that end in their unit's number and take begin and end last;
// all on the first unit where there are few `floats` to move.
inline void launch_shares(device::Program& program, const std::string& kernel, const std::vector<device::Argument>& arguments,
                          int items, int grain, double floats) {
  if (items <= 0) return;
  const std::vector<UnitRange> ranges = share_out((items - 1) / grain + 1, units_for(program.recipe(), floats));
  std::vector<device::Launch> all;
  for (std::size_t unit = 0; unit < ranges.size(); unit++) {
    device::Launch launch = {kernel + std::to_string(unit), static_cast<int>(unit), arguments};
    launch.arguments.push_back(device::Argument::value(ranges[unit].begin * grain));
    launch.arguments.push_back(device::Argument::value(unit + 1 < ranges.size() ? ranges[unit].end * grain : items));
    all.push_back(std::move(launch));
  }
  program.launch(all);
}

}  // namespace barista::ops

#endif  // BARISTA_OPS_UNITS_HPP_
