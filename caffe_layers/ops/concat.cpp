#include "ops/concat.hpp"

#include <iterator>
#include <numeric>

#include "ops/copy.hpp"

namespace barista::ops {

void concat(device::Program& program, const std::vector<const device::Buffer*>& parts, const std::vector<int>& runs, int rows,
            device::Buffer& dst) {
  const int row = std::accumulate(runs.begin(), runs.end(), 0);
  std::vector<device::Launch> all;
  int offset = 0;
  for (std::size_t i = 0; i < parts.size(); i++) {
    std::vector<device::Launch> part = copy_launches(program, *parts[i], dst, {rows, runs[i], 0, runs[i], offset, row});
    std::move(part.begin(), part.end(), std::back_inserter(all));
    offset += runs[i];
  }
  program.launch(all);
}

}  // namespace barista::ops
