// A solver's step on the device against the formulas of solver_rule.h in double precision, at every length around a vector's.
#include "ops/solver_update.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;

const std::vector<std::pair<int, const char*>> kMethods = {{SOLVER_SGD, "SGD"},           {SOLVER_NESTEROV, "Nesterov"},
                                                           {SOLVER_ADAGRAD, "AdaGrad"},   {SOLVER_RMSPROP, "RMSProp"},
                                                           {SOLVER_ADADELTA, "AdaDelta"}, {SOLVER_ADAM, "Adam"}};
// Long enough to be shared by the units at the end; oclgrind takes the short ones only.
const std::vector<int> kFew = {1, 7, 8, 9, 31}, kMany = {20'000, 40'003};

solver_rule rule_of(int method) {
  solver_rule rule = {};
  rule.method = method;
  rule.scale = 0.5F;
  rule.largest_norm = -1;
  rule.decay = 0.25F;
  rule.rate = 0.125F;
  rule.keep = method == SOLVER_ADAGRAD ? 0.0F : 0.75F;
  rule.keep_squares = 0.875F;
  rule.delta = 0.0625F;
  return rule;
}

// One element's weight, gradient and histories.
struct Element {
  double w, d, h, k;
};

Element stepped(const solver_rule& r, double norm, Element e) {
  double scale = r.scale;
  if (r.largest_norm >= 0 && std::sqrt(norm) > r.largest_norm) scale *= r.largest_norm / std::sqrt(norm);
  const double sign = e.w > 0 ? 1 : (e.w < 0 ? -1 : 0), g = scale * e.d + r.decay * (r.absolute != 0 ? sign : e.w), keep = r.keep;
  switch (r.method) {
    case SOLVER_SGD:
      e.d = e.h = keep * e.h + r.rate * g;
      break;
    case SOLVER_NESTEROV: {
      const double before = e.h;
      e.h = keep * before + r.rate * g;
      e.d = (1 + keep) * e.h - keep * before;
      break;
    }
    case SOLVER_ADAGRAD:
      e.h += g * g;
      e.d = r.rate * g / (std::sqrt(e.h) + r.delta);
      break;
    case SOLVER_RMSPROP:
      e.h = keep * e.h + (1 - keep) * g * g;
      e.d = r.rate * g / (std::sqrt(e.h) + r.delta);
      break;
    case SOLVER_ADADELTA: {
      e.h = keep * e.h + (1 - keep) * g * g;
      const double u = g * std::sqrt((e.k + r.delta) / (e.h + r.delta));
      e.k = keep * e.k + (1 - keep) * u * u;
      e.d = r.rate * u;
      break;
    }
    default:
      e.h = keep * e.h + (1 - keep) * g;
      e.k = r.keep_squares * e.k + (1 - r.keep_squares) * g * g;
      e.d = r.rate * e.h / (std::sqrt(e.k) + r.delta);
  }
  e.w -= e.d;
  return e;
}

// Histories of squares are not negative.
Floats squares(int count, unsigned seed) {
  Floats values = integers(count, seed);
  for (float& value : values) value *= value;
  return values;
}

class SolverUpdateTest : public DeviceTest {
 protected:
  // All is compared within a few roundings of values of this size.
  static constexpr double kTolerance = 4e-6;

  void expect_formula(const solver_rule& rule, const std::string& name, int count, float norm = 0) {
    const bool two = ops::has_second_history(rule), signs = rule.method == SOLVER_SGD || rule.method == SOLVER_NESTEROV;
    const Floats w = integers(count, 1), d = integers(count, 2), h = signs ? integers(count, 3) : squares(count, 3),
                 k = squares(count, 4);
    CanariedBuffer weights(device(), w), diff(device(), d), first(device(), h), second(device(), k);
    const CanariedBuffer sum(device(), Floats{norm});
    device::Buffer& second_buffer = second;
    const device::Buffer& norm_buffer = sum;
    ops::solver_update(program(), rule, weights, diff, first, two ? &second_buffer : nullptr,
                       rule.largest_norm < 0 ? nullptr : &norm_buffer, count);
    const Floats new_w = weights.download(), new_d = diff.download(), new_h = first.download(), new_k = second.download();
    for (int i = 0; i < count; i++) {
      const Element expected = stepped(rule, norm, {w[i], d[i], h[i], k[i]});
      const std::string what = name + " of " + std::to_string(count) + ", element " + std::to_string(i);
      ASSERT_NEAR(new_w[i], expected.w, kTolerance) << what;
      ASSERT_NEAR(new_d[i], expected.d, kTolerance) << what;
      ASSERT_NEAR(new_h[i], expected.h, kTolerance) << what;
      ASSERT_NEAR(new_k[i], two ? expected.k : k[i], kTolerance) << what;
    }
  }
};

TEST_F(SolverUpdateTest, IsTheFormula) {
  for (const auto& [method, name] : kMethods)
    for (const int count : kFew) expect_formula(rule_of(method), name, count);
}

TEST_F(SolverUpdateTest, IsTheFormulaOnSeveralUnits) {
  for (const auto& [method, name] : kMethods)
    for (const int count : kMany) expect_formula(rule_of(method), name, count);
}

TEST_F(SolverUpdateTest, DecayOfAbsoluteValuesIsTheFormula) {
  solver_rule rule = rule_of(SOLVER_SGD);
  rule.absolute = 1;
  expect_formula(rule, "L1", 37);
}

TEST_F(SolverUpdateTest, ClippingByTheNormIsTheFormula) {
  solver_rule rule = rule_of(SOLVER_ADAM);
  for (const float largest : {0.0F, 2.0F, 5.0F, 6.0F}) {  // the norm is 5
    rule.largest_norm = largest;
    expect_formula(rule, "clipped to " + std::to_string(largest), 19, 25);
  }
}

// A norm of NaN clips nothing; an infinite one leaves nothing of any gradient. A decay or a momentum of 0 is none.
TEST_F(SolverUpdateTest, TakesNanAndInfinityAsStockCaffeDoes) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const auto step = [&](float largest_norm, const Floats& w, const Floats& d, const Floats& h) {
    solver_rule rule = {};
    rule.method = SOLVER_SGD;
    rule.scale = rule.rate = 1;
    rule.largest_norm = largest_norm;
    CanariedBuffer weights(device(), w), diff(device(), d), first(device(), h), norm(device(), 1);
    ops::add_squared_norm(program(), diff, norm, true, 2);
    const device::Buffer& sum = norm;
    ops::solver_update(program(), rule, weights, diff, first, nullptr, largest_norm < 0 ? nullptr : &sum, 2);
    return weights.download();
  };
  EXPECT_EQ(step(-1, {infinity, 5}, {1, 2}, {nan, nan}), (Floats{infinity, 3}));
  EXPECT_EQ(step(1, {5, 5}, {infinity, 2}, {0, 0}), (Floats{5, 5}));
  const Floats found = step(1, {5, 5}, {nan, 2}, {0, 0});
  EXPECT_TRUE(std::isnan(found[0]));
  EXPECT_EQ(found[1], 3);
}

TEST_F(SolverUpdateTest, SquaredNormIsTheFormulaOverAllGradients) {
  for (const int count : {1, 15, 16, 17, 300}) {
    const Floats one = integers(count, 5), other = integers(23, 6);
    double expected = 0;
    for (const float value : one) expected += value * value;
    for (const float value : other) expected += value * value;
    CanariedBuffer norm(device(), 1);
    ops::add_squared_norm(program(), CanariedBuffer(device(), one), norm, true, count);
    ops::add_squared_norm(program(), CanariedBuffer(device(), other), norm, false, 23);
    ASSERT_EQ(norm.download(), Floats{static_cast<float>(expected)}) << count;
  }
}

}  // namespace
}  // namespace barista::testing
