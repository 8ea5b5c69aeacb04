// PReLU on the device against its formula, on whole numbers and so to the last bit: planes of every length around a vector's.
#include "ops/prelu.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;

std::vector<ops::PReLUShape> shapes() {
  std::vector<ops::PReLUShape> all;
  for (const int elements : {1, 15, 16, 17, 150})
    for (const int channels : {1, 3, 17})
      for (const int images : {1, 5})
        for (const bool shared : {false, true}) all.push_back({images, channels, elements, shared});
  return all;
}

std::string describe(const ops::PReLUShape& s) {
  return std::to_string(s.images) + "x" + std::to_string(s.channels) + "x" + std::to_string(s.elements) +
         (s.shared ? " shared" : "");
}

int count(const ops::PReLUShape& s) { return s.images * s.channels * s.elements; }
int slope_count(const ops::PReLUShape& s) { return s.shared ? 1 : s.channels; }
int slope_of(const ops::PReLUShape& s, int i) { return s.shared ? 0 : i / s.elements % s.channels; }

class PReLUTest : public DeviceTest {};

TEST_F(PReLUTest, IsTheFormulaInPlaceOrNot) {
  for (const ops::PReLUShape& s : shapes()) {
    const Floats src = integers(count(s), 1), slopes = integers(slope_count(s), 2), diff = integers(count(s), 3);
    Floats dst = src, diff_src = diff;
    for (int i = 0; i < count(s); i++) {
      const float slope = slopes[slope_of(s, i)];
      dst[i] = std::max(src[i], 0.0F) + slope * std::min(src[i], 0.0F);
      diff_src[i] *= src[i] > 0 ? 1 : slope;
    }
    const CanariedBuffer from(device(), src), given(device(), slopes), diff_dst(device(), diff);
    CanariedBuffer to(device(), src.size()), gradient(device(), src.size()), both(device(), src), both_diffs(device(), diff);
    ops::prelu_forward(program(), s, from, given, to);
    ASSERT_EQ(to.download(), dst) << describe(s);
    ops::prelu_backward(program(), s, from, given, diff_dst, gradient);
    ASSERT_EQ(gradient.download(), diff_src) << describe(s);
    ops::prelu_forward(program(), s, both, given, both);
    ASSERT_EQ(both.download(), dst) << describe(s) << " in place";
    ops::prelu_backward(program(), s, from, given, both_diffs, both_diffs);
    ASSERT_EQ(both_diffs.download(), diff_src) << describe(s) << " in place";
  }
}

TEST_F(PReLUTest, GradientOfSlopesIsTheFormulaAndAdded) {
  for (const ops::PReLUShape& s : shapes()) {
    const Floats src = integers(count(s), 1), diff = integers(count(s), 2);
    Floats sums = integers(slope_count(s), 3);
    CanariedBuffer diff_slopes(device(), sums);
    for (int i = 0; i < count(s); i++) sums[slope_of(s, i)] += diff[i] * std::min(src[i], 0.0F);
    ops::prelu_backward_slopes(program(), s, CanariedBuffer(device(), src), CanariedBuffer(device(), diff), diff_slopes);
    ASSERT_EQ(diff_slopes.download(), sums) << describe(s);
  }
}

// Stock Caffe multiplies with (src > 0) and (src <= 0): a 0 times what is not finite is NaN.
TEST_F(PReLUTest, TakesNanAndInfinityAsStockCaffeDoes) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const ops::PReLUShape shape = {1, 1, 2, false};
  for (const auto& [src, slope, diff] : std::vector<std::tuple<float, float, float>>{
           {nan, 2, 3}, {infinity, 2, 3}, {-infinity, 2, 3}, {4, nan, 3}, {4, infinity, 3}, {-4, infinity, 3}, {4, 2, infinity}}) {
    SCOPED_TRACE(std::to_string(src) + ", slope " + std::to_string(slope) + ", gradient " + std::to_string(diff));
    const auto above = static_cast<float>(src > 0), below = static_cast<float>(src <= 0);
    const CanariedBuffer from(device(), {1, src}), given(device(), Floats{slope}), diff_dst(device(), {0, diff});
    CanariedBuffer gradient(device(), 2), diff_slopes(device(), Floats{0});
    ops::prelu_backward(program(), shape, from, given, diff_dst, gradient);
    ops::prelu_backward_slopes(program(), shape, from, diff_dst, diff_slopes);
    for (const auto& [found, expected] : {std::pair{gradient.download()[1], diff * (above + slope * below)},
                                          std::pair{diff_slopes.download()[0], diff * src * below}})
      EXPECT_TRUE(std::isnan(expected) ? std::isnan(found) : found == expected) << found << ", not " << expected;
  }
}

}  // namespace
}  // namespace barista::testing
