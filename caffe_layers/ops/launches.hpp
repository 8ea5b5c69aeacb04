// Launches of kernels that exist once a compute unit, on the parts that a plan gives each.
#ifndef BARISTA_OPS_LAUNCHES_HPP_
#define BARISTA_OPS_LAUNCHES_HPP_

#include <string>
#include <utility>
#include <vector>

#include "device/program.hpp"

namespace barista::ops {

// One launch a part, of the kernel that ends in its unit's number and takes the part last.
template <typename Part>
std::vector<device::Launch> launches(const std::string& kernel, const std::vector<device::Argument>& arguments,
                                     const std::vector<Part>& parts) {
  std::vector<device::Launch> group;
  for (std::size_t unit = 0; unit < parts.size(); unit++) {
    device::Launch one = {kernel + std::to_string(unit), static_cast<int>(unit), arguments};
    one.arguments.push_back(device::Argument::value(parts[unit]));
    group.push_back(std::move(one));
  }
  return group;
}

// Enqueues them; nothing where there is no part.
template <typename Part>
void launch(device::Program& program, const std::string& kernel, const std::vector<device::Argument>& arguments,
            const std::vector<Part>& parts) {
  if (!parts.empty()) program.launch(launches(kernel, arguments, parts));
}

}  // namespace barista::ops

#endif  // BARISTA_OPS_LAUNCHES_HPP_
