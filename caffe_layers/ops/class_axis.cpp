#include "ops/class_axis.hpp"

#include <algorithm>
#include <string>

#include "device/error.hpp"
#include "interface/class_axis.h"
#include "ops/units.hpp"

namespace barista::ops {
namespace {

int lane_groups(const ClassAxis& axis, int lanes) {
  if (axis.inner == 1) return (axis.outer - 1) / lanes + 1;
  return axis.outer * ((axis.inner - 1) / lanes + 1);
}

lane_range groups_from(const ClassAxis& axis, int lanes, const UnitRange& groups) {
  const int image_values = axis.classes * axis.inner;
  if (axis.inner == 1) {
    const int row = groups.begin * lanes;
    return {groups.begin, groups.end, 0, row, row * axis.classes, image_values};
  }
  const int groups_an_image = (axis.inner - 1) / lanes + 1, image = groups.begin / groups_an_image;
  const int inner = groups.begin % groups_an_image * lanes;
  return {groups.begin, groups.end, inner, image * axis.inner + inner, image * image_values + inner, image_values};
}

}  // namespace
void validate(const ClassAxis& axis, const char* what) {
  if (std::min({axis.outer, axis.classes, axis.inner}) < 1) {
    throw device::Error(std::string(what) + " of " + std::to_string(axis.outer) + "x" + std::to_string(axis.classes) + "x" +
                        std::to_string(axis.inner) + ": every size must be at least 1");
  }
}

int launch_on_groups(device::DeviceManager& manager, const ClassAxis& axis, const std::string& kernel,
                     const std::vector<device::Argument>& arguments) {
  const int lanes = manager.recipe().lanes;
  return launch_on_units(manager, kernel, arguments, lane_groups(axis, lanes), 2 * kFloatsWorthALaunch,
                         [&](const UnitRange& groups) { return groups_from(axis, lanes, groups); });
}

}  // namespace barista::ops
