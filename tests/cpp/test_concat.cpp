// Concatenation on the device against its formula: moved, not computed, so equal to the bit.
#include "ops/concat.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>

#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

class ConcatTest : public DeviceTest {};

// Runs that end inside a vector, at its end and beyond it; one row and many; a part that is empty.
TEST_F(ConcatTest, IsTheFormula) {
  for (const std::vector<int>& runs : std::vector<std::vector<int>>{{1}, {3, 5}, {16, 16}, {17, 1, 40}, {64, 0, 33, 7}})
    for (const int rows : {1, 2, 3, 19}) {
      SCOPED_TRACE(std::to_string(runs.size()) + " parts, the first of " + std::to_string(runs[0]) + ", rows " +
                   std::to_string(rows));
      const int row = std::accumulate(runs.begin(), runs.end(), 0);
      std::vector<float> expected(static_cast<std::size_t>(rows) * row);
      std::vector<std::unique_ptr<CanariedBuffer>> buffers;
      std::vector<const device::Buffer*> parts;
      int offset = 0;
      for (std::size_t i = 0; i < runs.size(); i++) {
        const std::vector<float> values = integers(static_cast<std::size_t>(rows) * runs[i], i, -1000, 1000);
        for (int r = 0; r < rows; r++)
          for (int k = 0; k < runs[i]; k++) expected[r * row + offset + k] = values[r * runs[i] + k];
        buffers.push_back(std::make_unique<CanariedBuffer>(device(), values));
        parts.push_back(&buffers.back()->buffer());
        offset += runs[i];
      }
      CanariedBuffer dst(device(), expected.size());
      ops::concat(program(), parts, runs, rows, dst);
      ASSERT_EQ(dst.download(), expected);
    }
}

}  // namespace
}  // namespace barista::testing
