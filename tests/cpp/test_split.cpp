// The sum of several readers' gradients on the device against its formula, in stock Caffe's order, so equal to the bit on any data.
#include "ops/split.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"
#include "support/lengths.hpp"

namespace barista::testing {
namespace {

class SplitTest : public DeviceTest {};

TEST_F(SplitTest, IsTheFormula) {
  for (const int readers : {1, 2, 3, 5})
    for (const int length : lengths()) {
      std::vector<float> expected(length);
      std::vector<std::unique_ptr<CanariedBuffer>> buffers;
      std::vector<const device::Buffer*> diffs;
      for (int i = 0; i < readers; i++) {
        std::vector<float> values = integers(length, i, -1000, 1000);
        for (int k = 0; k < length; k++) values[k] /= 3, expected[k] = i == 0 ? values[k] : expected[k] + values[k];
        buffers.push_back(std::make_unique<CanariedBuffer>(device(), values));
        diffs.push_back(&buffers.back()->buffer());
      }
      CanariedBuffer diff_src(device(), length);
      ops::split_backward(program(), diffs, diff_src, length);
      ASSERT_EQ(diff_src.download(), expected) << length << " floats, " << readers << " readers";
    }
}

}  // namespace
}  // namespace barista::testing
