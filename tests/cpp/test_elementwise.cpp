// Every elementwise function on the device against its formula in double precision: lengths around a vector's, in place, and numbers
// at the edges of what a function takes.
#include "ops/elementwise.hpp"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/elementwise_cases.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

double room(const FunctionCase& c, double expected) { return c.relative * std::abs(expected) + c.absolute; }

class ElementwiseTest : public DeviceTest {
 protected:
  std::vector<float> forward(const ops::Elementwise& function, const std::vector<float>& src) {
    const CanariedBuffer from(device(), src);
    CanariedBuffer to(device(), src.size());
    ops::elementwise_forward(program(), function, from, to, static_cast<int>(src.size()));
    return to.download();
  }
  std::vector<float> backward(const ops::Elementwise& function, const std::vector<float>& src, const std::vector<float>& dst,
                              const std::vector<float>& diff_dst) {
    const CanariedBuffer from(device(), src), result(device(), dst), diff(device(), diff_dst);
    CanariedBuffer to(device(), src.size());
    ops::elementwise_backward(program(), function, from, result, diff, to, static_cast<int>(src.size()));
    return to.download();
  }
};

TEST_F(ElementwiseTest, IsTheFormula) {
  for (const FunctionCase& c : function_cases()) {
    const std::vector<float> dst = forward(c.function, c.data), diff = integers(c.data.size(), 2, 1, 3);
    const std::vector<float> diff_src = backward(c.function, c.data, dst, diff);
    for (std::size_t i = 0; i < c.data.size(); i++) {
      const double value = c.value(c.data[i]), slope = diff[i] * c.slope(c.data[i]);
      ASSERT_NEAR(dst[i], value, room(c, value)) << c.name << " of " << c.data[i];
      ASSERT_NEAR(diff_src[i], slope, room(c, slope) * 3) << "slope of " << c.name << " at " << c.data[i];
    }
  }
}

TEST_F(ElementwiseTest, TakesEveryLengthInPlaceOrNot) {
  for (const FunctionCase& c : function_cases()) {
    const std::vector<float> expected = forward(c.function, c.data);
    for (const int length : {1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 255, 256, 257}) {
      const std::vector<float> src(c.data.begin(), c.data.begin() + length), wanted(expected.begin(), expected.begin() + length);
      ASSERT_EQ(forward(c.function, src), wanted) << c.name << ", " << length << " floats";
      CanariedBuffer both(device(), src);
      ops::elementwise_forward(program(), c.function, both, both, length);
      ASSERT_EQ(both.download(), wanted) << c.name << ", " << length << " floats in place";
      const std::vector<float> diff = integers(length, 3);
      CanariedBuffer gradient(device(), diff);
      ops::elementwise_backward(program(), c.function, CanariedBuffer(device(), src), CanariedBuffer(device(), wanted), gradient,
                                gradient, length);
      ASSERT_EQ(gradient.download(), backward(c.function, src, wanted, diff)) << c.name << ", " << length << " floats in place";
    }
  }
}

// NaN equals NaN here.
void expect_same(const std::string& name, const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); i++)
    EXPECT_TRUE(found[i] == expected[i] || (std::isnan(found[i]) && std::isnan(expected[i])))
        << name << "[" << i << "] is " << found[i] << ", not " << expected[i];
}

TEST_F(ElementwiseTest, TakesNanAndInfinityAsStockCaffeDoes) {
  const std::vector<float> src = {kNan, kInfinity, -kInfinity, 0, -0.0F, 1}, ones(src.size(), 1);
  expect_same("relu", forward(ops::relu(0), src), {kNan, kInfinity, kNan, 0, 0, 1});
  expect_same("leaky relu", forward(ops::relu(0.5F), src), {kNan, kInfinity, -kInfinity, 0, 0, 1});
  expect_same("slope of relu", backward(ops::relu(0.5F), src, src, ones), {0, 1, 0.5F, 0.5F, 0.5F, 1});
  expect_same("absval", forward(ops::absval(), src), {kNan, kInfinity, kInfinity, 0, 0, 1});
  expect_same("sign", backward(ops::absval(), src, src, ones), {0, 1, -1, 0, 0, 1});
  expect_same("threshold", forward(ops::threshold(0), src), {0, 1, 0, 0, 0, 1});
  expect_same("sigmoid", forward(ops::sigmoid(), {kNan, kInfinity, -kInfinity, 0, 200, -200}), {kNan, 1, 0, 0.5F, 1, 0});
  expect_same("tanh", forward(ops::tanh(), {kNan, kInfinity, -kInfinity, 0, 200, -200}), {kNan, 1, -1, 0, 1, -1});
  expect_same("elu", forward(ops::elu(0.5F), {kNan, kInfinity, -kInfinity, 0, 200, -200}), {kNan, kInfinity, -0.5F, 0, 200, -0.5F});
  expect_same("bnll", forward(ops::bnll(), {kNan, kInfinity, 200, -200}), {kNan, kInfinity, 200, 0});
  expect_same("slope of bnll", backward(ops::bnll(), {200, -200}, {200, 0}, {3, 3}), {3, 0});
  expect_same("exp", forward(ops::exp(1, 1), {kNan, kInfinity, -kInfinity, 0}), {kNan, kInfinity, 0, 1});
  expect_same("log", forward(ops::log(1, 1, 0), {kNan, kInfinity, -1, 0, 1}), {kNan, kInfinity, kNan, -kInfinity, 0});
  expect_same("power 0.37", forward(ops::power(0.37F, 1, 0), {kNan, kInfinity, -kInfinity, -1, 0, 1}),
              {kNan, kInfinity, kInfinity, kNan, 0, 1});
  expect_same("slope of power -1", backward(ops::power(-1, 1, 1), {-1}, {kInfinity}, {1}), {-kInfinity});
  expect_same("slope of elu", backward(ops::elu(0.5F), src, forward(ops::elu(0.5F), src), ones), {kNan, kNan, 0, 0.5F, 0.5F, 1});
  expect_same("power 3", forward(ops::power(3, 1, 0), {kNan, kInfinity, -kInfinity, 0, 1, -1}),
              {kNan, kInfinity, -kInfinity, 0, 1, -1});
  expect_same("power -1", forward(ops::power(-1, 1, 0), {kNan, kInfinity, 0, 1, -1}), {kNan, 0, kInfinity, 1, -1});
  expect_same("power 0", forward(ops::power(0, 1, 0), {kNan, kInfinity}), {1, 1});
}

// An FPGA's MACs have no denormal numbers, and to a processor each is as slow as a hundred others.
TEST_F(ElementwiseTest, NumbersBelowTheNormalOnesAreZero) {
  const float smallest = FLT_MIN;
  const std::vector<float> src = {smallest, smallest / 2, -smallest / 4, smallest * 2};
  EXPECT_EQ(forward(ops::power(1, 1, 0), src), (std::vector<float>{smallest, 0, 0, smallest * 2}));
  EXPECT_EQ(forward(ops::power(1, 0.5F, 0), src), (std::vector<float>{0, 0, 0, smallest}));
}

}  // namespace
}  // namespace barista::testing
