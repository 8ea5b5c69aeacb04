// The Euclidean loss on the device against its formula: on small whole numbers sums are exact, and quotients are the nearest floats.
#include "ops/euclidean_loss.hpp"

#include <gtest/gtest.h>

#include "plan/unsupported.hpp"
#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"
#include "support/lengths.hpp"

namespace barista::testing {
namespace {

class EuclideanLossTest : public DeviceTest {};

TEST_F(EuclideanLossTest, IsTheFormula) {
  for (const int length : lengths()) {
    SCOPED_TRACE(std::to_string(length) + " floats");
    const int examples = length % 3 == 0 ? length / 3 : 1;
    const std::vector<float> a = integers(length, 1), b = integers(length, 2);
    const CanariedBuffer src(device(), a), target(device(), b), weight(device(), std::vector<float>{3});
    CanariedBuffer difference(device(), length), loss(device(), 1), diff_src(device(), length), diff_target(device(), length);
    ops::EuclideanLoss op(program(), length, examples);
    op.forward(src, target, difference, loss);
    op.backward(difference, weight, 1, diff_src);
    op.backward(difference, weight, -1, diff_target);

    float sum = 0;
    const float scale = 3 / static_cast<float>(examples);
    std::vector<float> apart, of_src, of_target;
    for (int i = 0; i < length; i++) {
      apart.push_back(a[i] - b[i]);
      sum += apart[i] * apart[i];
      of_src.push_back(apart[i] * scale), of_target.push_back(apart[i] * -scale);
    }
    ASSERT_EQ(loss.download()[0], sum / static_cast<float>(2 * examples));
    ASSERT_EQ(difference.download(), apart);
    ASSERT_EQ(diff_src.download(), of_src);
    ASSERT_EQ(diff_target.download(), of_target);
  }
}

TEST_F(EuclideanLossTest, NoValuesAreRefused) {
  EXPECT_THROW(ops::EuclideanLoss(program(), 0, 1), plan::Unsupported);
  EXPECT_THROW(ops::EuclideanLoss(program(), 1, 0), plan::Unsupported);
}

}  // namespace
}  // namespace barista::testing
