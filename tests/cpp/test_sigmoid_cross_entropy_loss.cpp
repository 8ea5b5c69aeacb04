// Sigmoid cross entropy on the device against its formula in double precision.
//
// A device's exp and log may be 3 units in the last place off and a division 2.5; with the roundings around them a sigmoid is within 8
// units, and so is each term of the loss.
#include "ops/sigmoid_cross_entropy_loss.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/canaried_buffer.hpp"
#include "support/class_axes.hpp"
#include "support/device_fixture.hpp"
#include "support/lengths.hpp"

namespace barista::testing {
namespace {

const double kUnit = std::ldexp(8.0, -23);

class SigmoidCrossEntropyLossTest : public DeviceTest {};

TEST_F(SigmoidCrossEntropyLossTest, IsTheFormula) {
  for (const int length : lengths())
    for (const bool ignores : {false, true}) {
      SCOPED_TRACE(std::to_string(length) + " floats" + (ignores ? ", a label is ignored" : ""));
      const std::vector<float> x = fractions(length, 1), t = integers(length, 2, 0, 1);
      const CanariedBuffer src(device(), x), target(device(), t), weight(device(), std::vector<float>{2});
      CanariedBuffer sigmoid(device(), length), loss(device(), 1), diff_src(device(), length);
      ops::SigmoidCrossEntropyLoss op(program(), length, ignores ? ops::IgnoredLabel(1) : std::nullopt, std::nullopt);
      op.forward(src, target, sigmoid, loss);
      op.backward(sigmoid, target, weight, diff_src);

      double sum = 0;
      int counted = 0;
      for (int i = 0; i < length; i++) {
        if (ignores && t[i] == 1) continue;
        sum += std::log1p(std::exp(-std::abs(x[i]))) - x[i] * (t[i] - (x[i] >= 0 ? 1 : 0));
        counted++;
      }
      const double divisor = std::max(1, counted);
      // Terms have one sign; a sum of `length` of them in partial sums adds less than 32 units.
      ASSERT_NEAR(loss.download()[0], sum / divisor, 5 * kUnit * sum / divisor);
      const std::vector<float> y = sigmoid.download(), diff = diff_src.download();
      for (int i = 0; i < length; i++) {
        const double expected = 1 / (1 + std::exp(-static_cast<double>(x[i])));
        ASSERT_NEAR(y[i], expected, kUnit * expected) << i;
        ASSERT_NEAR(diff[i], ignores && t[i] == 1 ? 0 : (expected - t[i]) * 2 / divisor, 2 * kUnit * 2 / divisor) << i;
      }
    }
}

TEST_F(SigmoidCrossEntropyLossTest, LargeValuesOverflowNothing) {
  const CanariedBuffer src(device(), {1000, -1000, 1000, -1000}), target(device(), {1, 0, 0, 1});
  CanariedBuffer sigmoid(device(), 4), loss(device(), 1);
  ops::SigmoidCrossEntropyLoss(program(), 4, std::nullopt, 1.0F).forward(src, target, sigmoid, loss);
  EXPECT_EQ(sigmoid.download(), (std::vector<float>{1, 0, 1, 0}));
  EXPECT_EQ(loss.download()[0], 2000);
}

// Stock Caffe subtracts infinity from infinity, whatever the target.
TEST_F(SigmoidCrossEntropyLossTest, OfANanOrAnInfinityItIsNan) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float it : {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity})
    for (const float goal : {0.0F, 0.5F, 1.0F}) {
      const CanariedBuffer src(device(), {1, it, 2}), target(device(), {0, goal, 1});
      CanariedBuffer sigmoid(device(), 3), loss(device(), 1);
      ops::SigmoidCrossEntropyLoss(program(), 3, std::nullopt, 1.0F).forward(src, target, sigmoid, loss);
      EXPECT_TRUE(std::isnan(loss.download()[0])) << it << ", " << goal;
      const float y = sigmoid.download()[1];
      EXPECT_TRUE(std::isnan(it) ? std::isnan(y) : y == (it > 0 ? 1.0F : 0.0F)) << it;
    }
}

}  // namespace
}  // namespace barista::testing
