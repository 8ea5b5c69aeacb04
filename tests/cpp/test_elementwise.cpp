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
#include "support/integers.hpp"

namespace barista::testing {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

// A function, and its value and derivative as formulas.
struct Case {
  std::string name;
  ops::Elementwise function;
  std::function<double(double)> value, slope;
  std::vector<float> data;  // where it is defined
  // Largest error, as a part of the result and by itself. 0 where every step is exact on whole numbers. Otherwise: OpenCL lets exp and
  // log be 3 units in the last place (of 6e-8 each) off and a division 2.5, and what feeds or follows them rounds too.
  double relative, absolute;
};

std::vector<float> whole() { return integers(1000, 1); }

// -range .. range in even steps, and small numbers of both signs.
std::vector<float> real(float range) {
  std::vector<float> values = {0, 1e-3F, -1e-3F, 1e-6F, -1e-6F, 0.5F, -0.5F, 0.49999997F, 1, -1};
  for (int i = -300; i <= 300; i++) values.push_back(range * static_cast<float>(i) / 300);
  return values;
}

std::vector<float> positive(float range) {
  std::vector<float> values;
  for (float x : real(range)) values.push_back(std::abs(x) + 1e-3F);
  return values;
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }
// The derivative that Caffe takes where there is none.
double step(double x, double otherwise) { return x > 0 ? 1 : otherwise; }

Case power_case(const std::string& name, float power, float scale, float shift, std::vector<float> data, double relative) {
  return {name,
          ops::power(power, scale, shift),
          [=](double x) { return std::pow(shift + scale * x, power); },
          [=](double x) { return power * scale == 0 ? 0 : power * scale * std::pow(shift + scale * x, power - 1); },
          std::move(data),
          relative,
          0};
}

std::vector<Case> cases() {
  return {
      {"relu", ops::relu(0), [](double x) { return x > 0 ? x : 0; }, [](double x) { return step(x, 0); }, whole(), 0, 0},
      {"leaky relu", ops::relu(0.5F), [](double x) { return x > 0 ? x : x / 2; }, [](double x) { return step(x, 0.5); }, whole(), 0,
       0},
      {"absval", ops::absval(), [](double x) { return std::abs(x); }, [](double x) { return x == 0 ? 0 : std::copysign(1, x); },
       whole(), 0, 0},
      {"threshold", ops::threshold(1), [](double x) { return x > 1; }, [](double) { return 0; }, whole(), 0, 0},
      // 1 - sigmoid is lost where it is next to 1, and so is 1 - tanh^2.
      {"sigmoid", ops::sigmoid(), logistic, [](double x) { return logistic(x) * logistic(-x); }, real(30), 1e-6, 1e-7},
      {"tanh", ops::tanh(), [](double x) { return std::tanh(x); }, [](double x) { return 1 / std::pow(std::cosh(x), 2); }, real(30),
       1e-6, 3e-7},
      // exp(x) - 1 next to 0 keeps what is left of exp(x), as in stock Caffe.
      {"elu", ops::elu(0.5F), [](double x) { return x > 0 ? x : 0.5 * std::expm1(x); },
       [](double x) { return x > 0 ? 1 : 0.5 * std::exp(x); }, real(30), 1e-6, 2e-7},
      {"bnll", ops::bnll(), [](double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }, logistic,
       real(30), 1e-6, 0},
      {"exp", ops::exp(0.5F, 3), [](double x) { return 3 * std::exp(x / 2); }, [](double x) { return 1.5 * std::exp(x / 2); },
       real(30), 1e-6, 0},
      // Next to 1 a logarithm is as far off as its argument is rounded.
      {"log", ops::log(2, 0.5F, 1), [](double x) { return 2 * std::log(1 + x / 2); }, [](double x) { return 1 / (1 + x / 2); },
       positive(30), 1e-6, 1e-6},
      power_case("power 1", 1, 2, 3, whole(), 0),
      power_case("power 2", 2, 2, 3, whole(), 0),
      power_case("power 0", 0, 2, 3, whole(), 0),
      power_case("scale 0", 2, 0, 3, whole(), 0),
      // exp(p * log(u)) multiplies the rounding of its argument, |p * log(u)| <= 20 here.
      power_case("power 3", 3, 0.5F, 16, real(30), 4e-6),
      power_case("power 3 of both signs", 3, 0.5F, 0.3F, real(31), 4e-6),
      power_case("power -2 of both signs", -2, 0.5F, 0.3F, real(31), 4e-6),
      power_case("power 0.37", 0.37F, 83, 2.4F, positive(30), 4e-6),
      power_case("power -0.75", -0.75F, 1, 1, positive(30), 4e-6),
  };
}

double room(const Case& c, double expected) { return c.relative * std::abs(expected) + c.absolute; }

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
  for (const Case& c : cases()) {
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
  for (const Case& c : cases()) {
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

// An FPGA's multiply-adders have no denormal numbers, and to a processor each is as slow as a hundred others.
TEST_F(ElementwiseTest, NumbersBelowTheNormalOnesAreZero) {
  const float smallest = FLT_MIN;
  const std::vector<float> src = {smallest, smallest / 2, -smallest / 4, smallest * 2};
  EXPECT_EQ(forward(ops::power(1, 1, 0), src), (std::vector<float>{smallest, 0, 0, smallest * 2}));
  EXPECT_EQ(forward(ops::power(1, 0.5F, 0), src), (std::vector<float>{0, 0, 0, smallest}));
}

}  // namespace
}  // namespace barista::testing
