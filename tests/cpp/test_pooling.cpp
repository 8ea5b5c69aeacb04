// Pooling on the device against its formula, on every shape of the shared list.
#include "ops/pooling.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "plan/unsupported.hpp"
#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"
#include "support/pooling_problems.hpp"
#include "support/reference_pooling.hpp"

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
    const CanariedBuffer src(device(), src_values), diff_dst(device(), diff_values);
    CanariedBuffer dst(device(), dst_count(s)), winners(device(), dst_count(s)), diff_src(device(), src_count(s));

    Pooling pooling(program(), s, method);
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

// Not negative, some of them 0, and with sums that are rounded.
std::vector<float> activations(std::size_t count, std::uint32_t seed) {
  std::vector<float> values = integers(count, seed, -300, 1000);
  for (float& value : values) value = value > 0 ? value / 7 : 0;
  return values;
}

TEST_F(PoolingTest, StochasticForwardAndBackwardAreTheFormula) {
  std::uint32_t key = 0;
  for (const auto& problem : pooling_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    const PoolingShape s = unpadded(problem.shape);
    if (s.P < 1 || s.Q < 1) continue;
    const std::vector<float> src_values = activations(src_count(s), 1), diff_values = integers(dst_count(s), 2);
    const CanariedBuffer src(device(), src_values), diff_dst(device(), diff_values);
    CanariedBuffer dst(device(), dst_count(s)), winners(device(), dst_count(s)), diff_src(device(), src_count(s));
    Pooling pooling(program(), s, PoolingMethod::kStochastic);
    pooling.forward(src, dst, winners, ++key);
    pooling.backward(diff_dst, winners, diff_src);

    const DrawnReference expected = reference_stochastic(s, key, src_values);
    ASSERT_EQ(winners.download(), expected.winners);
    ASSERT_EQ(dst.download(), expected.dst);
    expect_within(diff_src.download(), reference_backward(s, PoolingMethod::kStochastic, diff_values, expected.winners),
                  "diff_src");
    if (HasFatalFailure()) return;
  }
}

TEST_F(PoolingTest, ExpectedForwardIsTheFormula) {
  for (const auto& problem : pooling_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    const PoolingShape s = unpadded(problem.shape);
    if (s.P < 1 || s.Q < 1) continue;
    const std::vector<float> values = integers(src_count(s), 1, -1, 5);
    const CanariedBuffer src(device(), values);
    CanariedBuffer dst(device(), dst_count(s)), winners(device(), dst_count(s));
    const std::vector<float> untouched = integers(dst_count(s), 2);
    winners.upload(untouched);
    Pooling(program(), s, PoolingMethod::kExpected).forward(src, dst, winners);
    ASSERT_EQ(dst.download(), reference_expected(s, values));
    ASSERT_EQ(winners.download(), untouched);
  }
}

// Each element as often as its share of the sum: the sum of squared deviations by what is expected is above 30, of three degrees of
// freedom, once in 700,000 times.
TEST_F(PoolingTest, StochasticDrawsEachElementAsOftenAsItsShare) {
  constexpr int kDraws = 100000;
  const PoolingShape s = {kDraws, 1, 2, 2, 1, 1, 2, 2, 2, 2, 0, 0};
  std::vector<float> values;
  for (int i = 0; i < kDraws; i++) values.insert(values.end(), {1, 2, 0.5F, 4});
  for (const std::uint32_t key : {1U, 2U, 0xdeadbeefU}) {
    CanariedBuffer dst(device(), kDraws), winners(device(), kDraws);
    Pooling(program(), s, PoolingMethod::kStochastic).forward(CanariedBuffer(device(), values), dst, winners, key);
    std::vector<int> drawn(4);
    for (const float winner : winners.download()) drawn.at(static_cast<int>(winner))++;
    double deviation = 0, sum = 0;
    for (int i = 0; i < 4; i++) {
      const double expected = kDraws * values[i] / 7.5;
      deviation += (drawn[i] - expected) * (drawn[i] - expected) / expected;
    }
    EXPECT_LT(deviation, 30) << "key " << key;
    // And on average what is expected of it: (1 + 4 + 0.25 + 16) / 7.5, with a standard deviation of 1.3.
    for (const float value : dst.download()) sum += value;
    EXPECT_NEAR(sum / kDraws, 21.25 / 7.5, 5 * 1.3 / std::sqrt(kDraws));
  }
}

// The least random number there is. Were it 0, the running sum of the zero before the others would reach the limit.
TEST_F(PoolingTest, StochasticNeverDrawsAZeroBesideAnother) {
  constexpr std::uint32_t kKey = 3174260;
  ASSERT_EQ(word(kKey, 0) >> 8, 0U);
  CanariedBuffer dst(device(), 1), winners(device(), 1);
  Pooling pooling(program(), {1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 0, 0}, PoolingMethod::kStochastic);
  pooling.forward(CanariedBuffer(device(), {0, 0, 3, 4}), dst, winners, kKey);
  EXPECT_EQ(winners.download(), std::vector<float>{2});
  EXPECT_EQ(dst.download(), std::vector<float>{3});
}

TEST_F(PoolingTest, StochasticDrawsTheSameWhateverElseIsPooled) {
  const PoolingShape small = {1, 3, 9, 9, 4, 4, 3, 3, 2, 2, 0, 0}, large = {70, 3, 9, 9, 4, 4, 3, 3, 2, 2, 0, 0};
  const std::vector<float> values = activations(src_count(large), 3);
  const CanariedBuffer src(device(), values);
  CanariedBuffer dst(device(), dst_count(large)), winners(device(), dst_count(large));
  Pooling(program(), large, PoolingMethod::kStochastic).forward(src, dst, winners, 5);
  std::vector<float> of_large = winners.download();
  of_large.resize(dst_count(small));
  CanariedBuffer first_dst(device(), dst_count(small)), first_winners(device(), dst_count(small));
  Pooling(program(), small, PoolingMethod::kStochastic).forward(src, first_dst, first_winners, 5);
  EXPECT_EQ(first_winners.download(), of_large);
  Pooling(program(), small, PoolingMethod::kStochastic).forward(src, first_dst, first_winners, 6);
  EXPECT_NE(first_winners.download(), of_large) << "another key draws others";
}

// Windows of zeros, of a NaN, of an infinity, and of a negative sum, -10, of which a small random number makes a limit that no running
// sum reaches; and a row of windows below the image.
TEST_F(PoolingTest, StochasticOfNothingDrawsTheFirstAndOfNoNumberNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const PoolingShape s = {1, 1, 2, 8, 2, 4, 2, 2, 3, 2, 0, 0};
  const std::vector<float> values = {0, 0, 1, nan, 1, infinity, -2, -1,  //
                                     0, 0, 2, 3,   4, 5,        -3, -4};
  const CanariedBuffer src(device(), values), diff_dst(device(), {1, 2, 3, 4, 5, 6, 7, 8});
  Pooling pooling(program(), s, PoolingMethod::kStochastic);
  for (const bool reached : {false, true}) {
    std::uint32_t key = 0;
    while ((word(key, 3) > ~0U / 5) != reached) key++;
    CanariedBuffer dst(device(), 8), winners(device(), 8), diff_src(device(), 16);
    pooling.forward(src, dst, winners, key);
    pooling.backward(diff_dst, winners, diff_src);
    const float last = reached ? 6 : -1, its_diff = reached ? 4 : 0;
    EXPECT_EQ(winners.download(), (std::vector<float>{0, -1, 5, last, -1, -1, -1, -1}));
    EXPECT_EQ(diff_src.download(), (std::vector<float>{1, 0, 0, 0, 0, 3, its_diff, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    std::vector<float> drawn = dst.download();
    EXPECT_TRUE(std::isnan(drawn[1]));
    drawn[1] = 0;
    EXPECT_EQ(drawn, (std::vector<float>{0, 0, infinity, reached ? -2.0F : 0.0F, 0, 0, 0, 0}));
  }
}

TEST_F(PoolingTest, FirstOfEqualMaximaWins) {
  const PoolingShape s = {1, 1, 4, 4, 2, 2, 3, 3, 2, 2, 1, 1};
  const CanariedBuffer src(device(), std::vector<float>(16, 5.0F)), diff_dst(device(), std::vector<float>(4, 1.0F));
  CanariedBuffer dst(device(), 4), winners(device(), 4), diff_src(device(), 16);
  Pooling pooling(program(), s, PoolingMethod::kMaximum);
  pooling.forward(src, dst, winners);
  pooling.backward(diff_dst, winners, diff_src);
  EXPECT_EQ(dst.download(), std::vector<float>(4, 5.0F));
  EXPECT_EQ(winners.download(), (std::vector<float>{0, 1, 4, 5}));
  EXPECT_EQ(diff_src.download(), (std::vector<float>{1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST_F(PoolingTest, NothingGreaterThanTheLeastFloatWinsNothing) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const PoolingShape s = {1, 1, 2, 8, 1, 4, 2, 2, 2, 2, 0, 0};
  const CanariedBuffer src(device(), {nan, nan, -infinity, nan, nan, 2, -1, infinity,  //
                                      nan, nan, nan, -FLT_MAX, -3, nan, 7, nan});
  const CanariedBuffer diff_dst(device(), {10, 20, 30, 40});
  CanariedBuffer dst(device(), 4), winners(device(), 4), diff_src(device(), 16);
  Pooling pooling(program(), s, PoolingMethod::kMaximum);
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
    const CanariedBuffer src(device(), {1, 2, 3, 4}), diff_dst(device(), {infinity, 6});
    CanariedBuffer dst(device(), 2), winners(device(), 2), diff_src(device(), 4);
    Pooling pooling(program(), s, method);
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
  const CanariedBuffer src(device(), values);
  CanariedBuffer dst(device(), dst_count(s)), winners(device(), dst_count(s)), diff_src(device(), src_count(s));
  Pooling pooling(program(), s, PoolingMethod::kAverage);
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
      Pooling pooling(program(), s, PoolingMethod::kMaximum);
    } catch (const plan::Unsupported& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(
      sentence({1, 1, 4, 4, 0, 2, 3, 3, 2, 2, 0, 0}),
      "pooling of 1x1x4x4 to 0x2, window 3x3, stride 2x2, padding 0x0: every size must be at least 1, and no padding negative");
  try {
    Pooling pooling(program(), {1, 1, 4, 4, 2, 2, 3, 3, 2, 2, 1, 1}, PoolingMethod::kStochastic);
    FAIL();
  } catch (const plan::Unsupported& error) {
    EXPECT_NE(std::string(error.what()).find("a stochastic pooling takes no padding"), std::string::npos);
  }
  EXPECT_NE(sentence({1, 1, 5000, 5000, 5000, 5000, 1, 1, 1, 1, 0, 0}).find("at most 16777216 pixels"), std::string::npos);
  EXPECT_NE(sentence({1, 1, 1, 9000, 1, 1, 1, 9000, 1, 1, 0, 0}).find("a row of a window takes 9000 words"), std::string::npos);
}

}  // namespace
}  // namespace barista::testing
