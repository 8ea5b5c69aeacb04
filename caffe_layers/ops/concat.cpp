#include "ops/concat.hpp"

#include <iterator>

#include "ops/copy.hpp"

namespace barista::ops {

void concat(device::Program& program, const std::vector<const device::Buffer*>& parts, const std::vector<int>& runs, int rows,
            device::Buffer& dst) {
  std::vector<device::Launch> all;
  for (std::size_t i = 0; i < parts.size(); i++) {
    std::vector<device::Launch> part = copy_launches(program, *parts[i], dst, plan::part_of_row(runs, i, rows, /*joins=*/true));
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
  program.launch(all);
}

}  // namespace barista::ops
