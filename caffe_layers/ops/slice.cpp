#include "ops/slice.hpp"

#include <iterator>

#include "ops/copy.hpp"

namespace barista::ops {

void slice(device::Program& program, const device::Buffer& src, const std::vector<int>& runs, int rows,
           const std::vector<device::Buffer*>& parts) {
  std::vector<device::Launch> all;
  for (std::size_t i = 0; i < parts.size(); i++) {
    if (parts[i] == nullptr) continue;
    std::vector<device::Launch> part = copy_launches(program, src, *parts[i], plan::part_of_row(runs, i, rows, /*joins=*/false));
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
  program.launch(all);
}

}  // namespace barista::ops
