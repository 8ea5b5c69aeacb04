#include "ops/slice.hpp"

#include <iterator>
#include <numeric>

#include "ops/copy.hpp"

namespace barista::ops {

void slice(device::Program& program, const device::Buffer& src, const std::vector<int>& runs, int rows,
           const std::vector<device::Buffer*>& parts) {
  const int row = std::accumulate(runs.begin(), runs.end(), 0);
  std::vector<device::Launch> all;
  int offset = 0;
  for (std::size_t i = 0; i < parts.size(); i++) {
    if (parts[i] != nullptr) {
      std::vector<device::Launch> part = copy_launches(program, src, *parts[i], {rows, runs[i], offset, row, 0, runs[i]});
      std::move(part.begin(), part.end(), std::back_inserter(all));
    }
    offset += runs[i];
  }
  program.launch(all);
}

}  // namespace barista::ops
