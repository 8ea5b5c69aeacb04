// Pooling on the device against its formula, on every shape of the shared list.
#include "ops/pooling.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"
#include "support/reference_pooling.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

using ops::Pooling;
using ops::PoolingMethod;
using ops::PoolingShape;

class PoolingTest : public DeviceTest {};

std::size_t src_count(const PoolingShape& s) { return static_cast<std::size_t>(s.N) * s.C * s.H * s.W; }
std::size_t dst_count(const PoolingShape& s) { return static_cast<std::size_t>(s.N) * s.C * s.P * s.Q; }

// Fails with the first place that is out of bounds; NaN is nowhere within.
void expect_within(const std::vector<float>& found, const std::vector<Bound>& expected, const char* what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t i = 0; i < found.size(); i++)
    ASSERT_TRUE(std::abs(found[i] - expected[i].value) <= expected[i].tolerance)
        << what << "[" << i << "] is " << found[i] << ", must be " << expected[i].value << " +- " << expected[i].tolerance;
}

TEST_F(PoolingTest, ForwardAndBackwardAreTheFormula) {
  for (const auto& problem : pooling_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    const auto& [s, method, round_up] = problem.shape;
    const std::vector<float> src_values = integers(src_count(s), 1), diff_values = integers(dst_count(s), 2);
    const CanariedBuffer src(manager(), src_values), diff_dst(manager(), diff_values);
    CanariedBuffer dst(manager(), dst_count(s)), winners(manager(), dst_count(s)), diff_src(manager(), src_count(s));

    Pooling pooling(manager(), s, method);
    pooling.forward(src, dst, winners);
    pooling.backward(diff_dst, winners, diff_src);

    const PooledReference expected = reference_forward(s, method, src_values);
    expect_within(dst.download(), expected.dst, "dst");
    if (method == PoolingMethod::kMaximum) {
      ASSERT_EQ(winners.download(), expected.winners);
    }
    expect_within(diff_src.download(), reference_backward(s, method, diff_values, expected.winners), "diff_src");
    if (HasFatalFailure()) return;
  }
}

TEST_F(PoolingTest, FirstOfEqualMaximaWins) {
  const PoolingShape s = {1, 1, 4, 4, 2, 2, 3, 3, 2, 2, 1, 1};
  const CanariedBuffer src(manager(), std::vector<float>(16, 5.0F)), diff_dst(manager(), std::vector<float>(4, 1.0F));
  CanariedBuffer dst(manager(), 4), winners(manager(), 4), diff_src(manager(), 16);
  Pooling pooling(manager(), s, PoolingMethod::kMaximum);
  pooling.forward(src, dst, winners);
  pooling.backward(diff_dst, winners, diff_src);
  EXPECT_EQ(dst.download(), std::vector<float>(4, 5.0F));
  EXPECT_EQ(winners.download(), (std::vector<float>{0, 1, 4, 5}));
  EXPECT_EQ(diff_src.download(), (std::vector<float>{1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST_F(PoolingTest, NothingGreaterThanTheLeastFloatWinsNothing) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const PoolingShape s = {1, 1, 2, 8, 1, 4, 2, 2, 2, 2, 0, 0};
  const CanariedBuffer src(manager(), {nan, nan, -infinity, nan, nan, 2, -1, infinity,  //
                                       nan, nan, nan, -FLT_MAX, -3, nan, 7, nan});
  const CanariedBuffer diff_dst(manager(), {10, 20, 30, 40});
  CanariedBuffer dst(manager(), 4), winners(manager(), 4), diff_src(manager(), 16);
  Pooling pooling(manager(), s, PoolingMethod::kMaximum);
  pooling.forward(src, dst, winners);
  pooling.backward(diff_dst, winners, diff_src);
  EXPECT_EQ(dst.download(), (std::vector<float>{-FLT_MAX, -FLT_MAX, 2, infinity}));
  EXPECT_EQ(winners.download(), (std::vector<float>{-1, -1, 5, 7}));
  EXPECT_EQ(diff_src.download(), (std::vector<float>{0, 0, 0, 0, 0, 30, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0}));
}

// Of a gradient that is infinite or NaN, nothing may leak to the pixels of other windows (0 times infinity is NaN).
TEST_F(PoolingTest, InfiniteGradientStaysInItsWindow) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const PoolingMethod method : {PoolingMethod::kMaximum, PoolingMethod::kAverage}) {
    const PoolingShape s = {1, 1, 1, 4, 1, 2, 1, 2, 1, 2, 0, 0};
    const CanariedBuffer src(manager(), {1, 2, 3, 4}), diff_dst(manager(), {infinity, 6});
    CanariedBuffer dst(manager(), 2), winners(manager(), 2), diff_src(manager(), 4);
    Pooling pooling(manager(), s, method);
    pooling.forward(src, dst, winners);
    pooling.backward(diff_dst, winners, diff_src);
    EXPECT_EQ(diff_src.download(), method == PoolingMethod::kMaximum ? (std::vector<float>{0, infinity, 0, 6})
                                                                     : (std::vector<float>{infinity, infinity, 3, 3}));
  }
}

TEST_F(PoolingTest, SameBitsOnEveryRun) {
  const PoolingShape s = {3, 7, 13, 17, 6, 8, 3, 3, 2, 2, 0, 0};
  std::vector<float> values = integers(src_count(s), 5, -1000, 1000);
  for (float& value : values) value /= 7;
  const CanariedBuffer src(manager(), values);
  CanariedBuffer dst(manager(), dst_count(s)), winners(manager(), dst_count(s)), diff_src(manager(), src_count(s));
  Pooling pooling(manager(), s, PoolingMethod::kAverage);
  std::vector<float> first_dst, first_diff;
  for (int run = 0; run < 3; run++) {
    pooling.forward(src, dst, winners);
    pooling.backward(dst, winners, diff_src);
    if (run == 0) first_dst = dst.download(), first_diff = diff_src.download();
    EXPECT_EQ(dst.download(), first_dst);
    EXPECT_EQ(diff_src.download(), first_diff);
  }
}

TEST_F(PoolingTest, RefusesWhatCannotBe) {
  const auto sentence = [&](const PoolingShape& s) -> std::string {
    try {
      Pooling pooling(manager(), s, PoolingMethod::kMaximum);
    } catch (const device::Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(
      sentence({1, 1, 4, 4, 0, 2, 3, 3, 2, 2, 0, 0}),
      "pooling of 1x1x4x4 to 0x2, window 3x3, stride 2x2, padding 0x0: every size must be at least 1, and no padding negative");
  EXPECT_NE(sentence({1, 1, 5000, 5000, 5000, 5000, 1, 1, 1, 1, 0, 0}).find("at most 16777216 pixels"), std::string::npos);
  EXPECT_NE(sentence({1, 1, 1, 9000, 1, 1, 1, 9000, 1, 1, 0, 0}).find("a row of a window takes 9000 words"), std::string::npos);
}

}  // namespace
}  // namespace barista::testing
