#include "ops/class_axis.hpp"

#include <algorithm>
#include <string>

#include "device/error.hpp"

namespace barista::ops {
namespace {
constexpr int kLanes = 16;
}

void validate(const ClassAxis& axis, const char* what) {
  if (std::min({axis.outer, axis.classes, axis.inner}) < 1) {
    throw device::Error(std::string(what) + " of " + std::to_string(axis.outer) + "x" + std::to_string(axis.classes) + "x" +
                        std::to_string(axis.inner) + ": every size must be at least 1");
  }
}

int lane_groups(const ClassAxis& axis) {
  if (axis.inner == 1) return (axis.outer - 1) / kLanes + 1;
  return axis.outer * ((axis.inner - 1) / kLanes + 1);
}

}  // namespace barista::ops
