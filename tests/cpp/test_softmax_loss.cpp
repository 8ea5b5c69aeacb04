// Softmax with cross entropy on the device against its formula in double precision.
#include "ops/softmax_loss.hpp"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <limits>

#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/reference_softmax.hpp"

namespace barista::testing {
namespace {

class SoftmaxLossTest : public DeviceTest {
 protected:
  struct Result {
    std::vector<float> prob, loss, diff_src;
  };

  Result run(const ops::ClassAxis& axis, const std::vector<float>& src_values, const std::vector<float>& label_values,
             ops::IgnoredLabel ignored = std::nullopt, std::optional<float> divisor = std::nullopt, float weight = 1) {
    const CanariedBuffer src(device(), src_values), labels(device(), label_values), weights(device(), std::vector<float>{weight});
    CanariedBuffer prob(device(), src_values.size()), loss(device(), 1), diff_src(device(), src_values.size());
    ops::SoftmaxLoss op(program(), axis, ignored, divisor);
    op.forward(src, labels, prob, loss);
    op.backward(prob, labels, weights, diff_src);
    return {prob.download(), loss.download(), diff_src.download()};
  }
};

// Terms are logarithms of probabilities whose relative error is at most (16 + C / 8) 2^-24, so that is their absolute error; all have
// one sign, so the sum's error is relative to it.
TEST_F(SoftmaxLossTest, IsTheFormula) {
  for (const ops::ClassAxis& axis : class_axes())
    for (const bool ignores : {false, true}) {
      SCOPED_TRACE(describe(axis) + (ignores ? ", a label is ignored" : ""));
      const std::vector<float> src = fractions(values(axis), 1), labels = class_labels(axis, 2);
      const int ignored = static_cast<int>(labels[0]);
      const Result found = run(axis, src, labels, ignores ? ops::IgnoredLabel(ignored) : std::nullopt, std::nullopt, 2);
      const std::vector<double> prob = reference_softmax(axis, src);
      double sum = 0;
      int counted = 0;
      for (int p = 0; p < axis.positions(); p++) {
        if (ignores && labels[p] == ignored) continue;
        sum -= std::log(prob[value_at(axis, p, static_cast<int>(labels[p]))]);
        counted++;
      }
      const double unit = (16 + axis.classes / 8.0) * std::ldexp(1.0, -24), divisor = std::max(1, counted);
      EXPECT_NEAR(found.loss[0], sum / divisor, unit * (1 + 8 * sum / divisor));
      for (int p = 0; p < axis.positions(); p++)
        for (int c = 0; c < axis.classes; c++) {
          const std::size_t i = value_at(axis, p, c);
          const double one = labels[p] == static_cast<float>(c) ? 1 : 0;
          const double expected = ignores && labels[p] == ignored ? 0 : (prob[i] - one) * 2 / divisor;
          ASSERT_NEAR(found.diff_src[i], expected, unit * (prob[i] + one) * 2 / divisor + FLT_MIN) << i;
        }
    }
}

TEST_F(SoftmaxLossTest, ProbabilitiesAreThoseOfSoftmax) {
  const ops::ClassAxis axis = {19, 33, 1};
  const std::vector<float> src = fractions(values(axis), 3);
  const std::vector<double> expected = reference_softmax(axis, src);
  const std::vector<float> prob = run(axis, src, class_labels(axis, 4)).prob;
  for (std::size_t i = 0; i < prob.size(); i++) ASSERT_NEAR(prob[i], expected[i], 1e-6 * expected[i]) << i;
}

TEST_F(SoftmaxLossTest, DividesByTheNumberThatItIsGiven) {
  const ops::ClassAxis axis = {4, 2, 1};
  const Result found = run(axis, std::vector<float>(8, 0), {0, 1, 0, 1}, std::nullopt, 16.0F);
  EXPECT_NEAR(found.loss[0], 4 * std::log(2.0) / 16, 1e-6);
  EXPECT_EQ(found.diff_src,
            (std::vector<float>{-0.5F / 16, 0.5F / 16, 0.5F / 16, -0.5F / 16, -0.5F / 16, 0.5F / 16, 0.5F / 16, -0.5F / 16}));
}

TEST_F(SoftmaxLossTest, WhereAllIsIgnoredThereIsNoLoss) {
  const Result found = run({3, 2, 1}, {1, 2, 3, 4, 5, 6}, {1, 1, 1}, 1);
  EXPECT_EQ(found.loss[0], 0);
  EXPECT_EQ(found.diff_src, std::vector<float>(6, 0));
}

TEST_F(SoftmaxLossTest, AnImpossibleLabelCostsNoMoreThanTheSmallestNumber) {
  const Result found = run({1, 2, 1}, {0, 200}, {0});
  EXPECT_NEAR(found.loss[0], -std::log(static_cast<double>(FLT_MIN)), 1e-4);
}

// In both layouts: classes side by side, and positions side by side.
TEST_F(SoftmaxLossTest, ALabelThatIsNoClassMakesLossAndGradientNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (const ops::ClassAxis& axis : {ops::ClassAxis{2, 3, 1}, ops::ClassAxis{1, 3, 2}})
    for (const float label : {-1.0F, 3.0F, 1e6F, 3e9F, -3e9F, infinity, nan}) {
      SCOPED_TRACE(describe(axis) + ", label " + std::to_string(label));
      const Result found = run(axis, std::vector<float>(6, 0), {label, 1});
      EXPECT_TRUE(std::isnan(found.loss[0]));
      for (int c = 0; c < 3; c++) {
        EXPECT_TRUE(std::isnan(found.diff_src[value_at(axis, 0, c)]));
        EXPECT_NEAR(found.diff_src[value_at(axis, 1, c)], (c == 1 ? -2.0 : 1.0) / 6, 1e-6);
      }
    }
}

TEST_F(SoftmaxLossTest, AnIgnoredLabelNeedsBeNoClass) {
  for (const float label : {-1.0F, 255.0F}) {
    const Result found = run({2, 3, 1}, std::vector<float>(6, 0), {label, -0.5F}, static_cast<int>(label));
    EXPECT_NEAR(found.loss[0], std::log(3.0), 1e-6) << "-0.5 is cut to class 0";
    for (int c = 0; c < 3; c++) EXPECT_EQ(found.diff_src[c], 0);
  }
}

TEST_F(SoftmaxLossTest, OfANanOrAnInfinityItIsNan) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const float it : {nan, infinity})
    for (const int place : {0, 1, 2}) {
      std::vector<float> src = {1, 2, 3, 1, 2, 3};
      src[place] = it;
      const Result found = run({2, 3, 1}, src, {0, 0});
      EXPECT_TRUE(std::isnan(found.loss[0])) << it << " at " << place;
      for (int i = 0; i < 6; i++) EXPECT_EQ(std::isnan(found.diff_src[i]), i < 3) << it << " at " << place;
    }
}

TEST_F(SoftmaxLossTest, TheSameBitsEveryTime) {
  const ops::ClassAxis axis = {70, 37, 1};
  const std::vector<float> src = fractions(values(axis), 5), labels = class_labels(axis, 6);
  const Result first = run(axis, src, labels), second = run(axis, src, labels);
  EXPECT_EQ(first.loss, second.loss);
  EXPECT_EQ(first.diff_src, second.diff_src);
}

}  // namespace
}  // namespace barista::testing
