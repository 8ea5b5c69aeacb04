// Softmax on the device against its formula in double precision.
//
// A device's exp may be 3 units in the last place off, a reciprocal and a product one each, and a sum of C positive terms in
// 8 partial sums C / 8 + 8: relative to a result, (16 + C / 8) units of 2^-24 are allowed.
#include "ops/softmax.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "plan/unsupported.hpp"
#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/reference_softmax.hpp"

namespace barista::testing {
namespace {

class SoftmaxTest : public DeviceTest {
 protected:
  std::vector<float> forward(const ops::ClassAxis& axis, const std::vector<float>& src_values) {
    const CanariedBuffer src(device(), src_values);
    CanariedBuffer dst(device(), src_values.size());
    ops::Softmax(program(), axis).forward(src, dst);
    return dst.download();
  }
};

double units(const ops::ClassAxis& axis) { return (16 + axis.classes / 8.0) * std::ldexp(1.0, -24); }

TEST_F(SoftmaxTest, ForwardIsTheFormula) {
  for (const ops::ClassAxis& axis : class_axes()) {
    SCOPED_TRACE(describe(axis));
    const std::vector<float> src = fractions(values(axis), 1), dst = forward(axis, src);
    const std::vector<double> expected = reference_softmax(axis, src);
    for (std::size_t i = 0; i < dst.size(); i++)
      ASSERT_TRUE(std::abs(dst[i] - expected[i]) <= units(axis) * expected[i]) << i << ": " << dst[i] << ", not " << expected[i];
  }
}

// diff_src is a difference of two numbers of the size of |diff_dst| * dst, or of the sum over it.
TEST_F(SoftmaxTest, BackwardIsTheFormula) {
  for (const ops::ClassAxis& axis : class_axes()) {
    SCOPED_TRACE(describe(axis));
    const std::vector<float> y = forward(axis, fractions(values(axis), 2)), diff = fractions(values(axis), 3);
    const CanariedBuffer dst(device(), y), diff_dst(device(), diff);
    CanariedBuffer diff_src(device(), diff.size());
    ops::Softmax(program(), axis).backward(dst, diff_dst, diff_src);
    const std::vector<float> found = diff_src.download();
    for (int p = 0; p < axis.positions(); p++) {
      double product = 0, size = 0;
      for (int c = 0; c < axis.classes; c++) {
        const std::size_t i = value_at(axis, p, c);
        product += static_cast<double>(diff[i]) * y[i], size += std::abs(static_cast<double>(diff[i]) * y[i]);
      }
      for (int c = 0; c < axis.classes; c++) {
        const std::size_t i = value_at(axis, p, c);
        const double expected = (diff[i] - product) * y[i];
        ASSERT_TRUE(std::abs(found[i] - expected) <= units(axis) * (std::abs(diff[i]) + size) * y[i])
            << i << ": " << found[i] << ", not " << expected;
      }
    }
  }
}

TEST_F(SoftmaxTest, WorksInPlace) {
  const ops::ClassAxis axis = {19, 33, 1};
  const std::vector<float> src = fractions(values(axis), 4), diff = fractions(values(axis), 5);
  const std::vector<float> expected = forward(axis, src);
  ops::Softmax softmax(program(), axis);
  CanariedBuffer data(device(), src), gradient(device(), diff), apart(device(), diff.size());
  const CanariedBuffer kept(device(), diff);
  softmax.forward(data, data);
  EXPECT_EQ(data.download(), expected);
  softmax.backward(data, kept, apart);
  softmax.backward(data, gradient, gradient);
  EXPECT_EQ(gradient.download(), apart.download());
}

TEST_F(SoftmaxTest, EqualValuesShareAlikeHoweverLarge) {
  for (const float value : {0.0F, 1e30F, -1e30F}) {
    const std::vector<float> dst = forward({3, 4, 1}, std::vector<float>(12, value));
    EXPECT_EQ(dst, std::vector<float>(12, 0.25F)) << value;
  }
}

TEST_F(SoftmaxTest, NanSpoilsItsPositionAlone) {
  std::vector<float> src(24, 1);
  src[9] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> dst = forward({3, 8, 1}, src);
  for (std::size_t i = 0; i < dst.size(); i++) {
    if (i / 8 == 1) {
      EXPECT_TRUE(std::isnan(dst[i])) << i;
    } else {
      EXPECT_EQ(dst[i], 0.125F) << i;
    }
  }
}

TEST_F(SoftmaxTest, AnAxisWithoutElementsIsRefused) { EXPECT_THROW(ops::Softmax(program(), {3, 0, 1}), plan::Unsupported); }

}  // namespace
}  // namespace barista::testing
