// Slicing on the device against its formula: moved, not computed, so equal to the bit.
#include "ops/slice.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>

#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

class SliceTest : public DeviceTest {};

// The first part is left out where there are more.
TEST_F(SliceTest, IsTheFormula) {
  for (const std::vector<int>& runs : std::vector<std::vector<int>>{{1}, {3, 5}, {16, 16}, {17, 1, 40}, {64, 33, 7}})
    for (const int rows : {1, 2, 3, 19}) {
      SCOPED_TRACE(std::to_string(runs.size()) + " parts, the first of " + std::to_string(runs[0]) + ", rows " +
                   std::to_string(rows));
      const int row = std::accumulate(runs.begin(), runs.end(), 0);
      const std::vector<float> values = integers(static_cast<std::size_t>(rows) * row, 1, -1000, 1000);
      const CanariedBuffer src(device(), values);
      std::vector<std::unique_ptr<CanariedBuffer>> buffers;
      std::vector<device::Buffer*> parts;
      for (const int run : runs) {
        buffers.push_back(std::make_unique<CanariedBuffer>(device(), static_cast<std::size_t>(rows) * run));
        parts.push_back(buffers.size() == 1 && runs.size() > 1 ? nullptr : &buffers.back()->buffer());
      }
      ops::slice(program(), src, runs, rows, parts);
      int offset = 0;
      for (std::size_t i = 0; i < runs.size(); i++) {
        std::vector<float> expected;
        for (int r = 0; r < rows; r++)
          expected.insert(expected.end(), values.begin() + r * row + offset, values.begin() + r * row + offset + runs[i]);
        if (parts[i] != nullptr) {
          ASSERT_EQ(buffers[i]->download(), expected) << "part " << i;
        }
        offset += runs[i];
      }
    }
}

}  // namespace
}  // namespace barista::testing
