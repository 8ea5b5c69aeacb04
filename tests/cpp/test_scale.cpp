// Scale and bias on the device against their formula, on whole numbers and so to the last bit.
#include "ops/scale.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/canaried_buffer.hpp"
#include "support/channel_shapes.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;

class ScaleTest : public DeviceTest {};

TEST_F(ScaleTest, KeepsNanAndInfinity) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const CanariedBuffer src(device(), {1, infinity, nan, infinity}), scale(device(), {nan, 2, 1, 0}), bias(device(), Floats(4, 1));
  CanariedBuffer dst(device(), 4);
  const device::Buffer &of_scale = scale, &of_bias = bias;
  ops::scale_forward(program(), {1, 4, 1}, src, &of_scale, &of_bias, dst);
  const Floats found = dst.download();
  for (int i = 0; i < 4; i++) EXPECT_TRUE(i == 1 ? found[i] == infinity : std::isnan(found[i])) << i;
}

TEST_F(ScaleTest, IsTheFormulaInPlaceOrNot) {
  for (const ops::ChannelShape& s : channel_shapes())
    for (const int parameters : {0, 1, 2, 3}) {
      SCOPED_TRACE(describe(s) + " " + std::to_string(parameters));
      const Floats x = integers(count(s), 1), scales = integers(s.channels, 2), biases = integers(s.channels, 3);
      const CanariedBuffer src(device(), x), of_scale(device(), scales), of_bias(device(), biases);
      CanariedBuffer dst(device(), x.size()), both(device(), x), kept(device(), x.size());
      const device::Buffer *scale = nullptr, *bias = nullptr;
      if (parameters % 2 == 1) scale = &static_cast<const device::Buffer&>(of_scale);
      if (parameters >= 2) bias = &static_cast<const device::Buffer&>(of_bias);
      Floats scaled = x, expected = x;
      for (int i = 0; i < count(s); i++) {
        scaled[i] *= scale != nullptr ? scales[channel_of(s, i)] : 1;
        expected[i] = scaled[i] + (bias != nullptr ? biases[channel_of(s, i)] : 0);
      }
      ops::scale_forward(program(), s, src, scale, bias, dst);
      ASSERT_EQ(dst.download(), expected);
      ops::scale_forward(program(), s, both, scale, bias, both, &kept.buffer());
      ASSERT_EQ(both.download(), expected) << "in place";
      ASSERT_EQ(kept.download(), x);
      ops::scale_backward(program(), s, src, scale, dst);
      ASSERT_EQ(dst.download(), scaled) << "backward";
      ops::scale_backward(program(), s, kept, scale, kept);
      ASSERT_EQ(kept.download(), scaled) << "backward in place";
    }
}

TEST_F(ScaleTest, GradientsOfParametersAreTheFormulaAddedOrNot) {
  for (const ops::ChannelShape& s : channel_shapes()) {
    SCOPED_TRACE(describe(s));
    const Floats x = integers(count(s), 1), diff = integers(count(s), 2), before = integers(s.channels, 3);
    const CanariedBuffer src(device(), x), diff_dst(device(), diff);
    CanariedBuffer diff_scale(device(), s.channels), diff_bias(device(), before);
    Floats of_scale(s.channels), of_bias = before;
    for (int i = 0; i < count(s); i++) of_scale[channel_of(s, i)] += x[i] * diff[i], of_bias[channel_of(s, i)] += diff[i];
    const device::Buffer& from = src;
    ops::scale_backward_parameters(program(), s, &from, diff_dst, {&diff_scale.buffer()}, {&diff_bias.buffer(), true});
    ASSERT_EQ(diff_scale.download(), of_scale);
    ASSERT_EQ(diff_bias.download(), of_bias);
    ops::scale_backward_parameters(program(), s, nullptr, diff_dst, {}, {&diff_bias.buffer(), true});
    for (int i = 0; i < count(s); i++) of_bias[channel_of(s, i)] += diff[i];
    ASSERT_EQ(diff_bias.download(), of_bias) << "without a scale";
  }
}

}  // namespace
}  // namespace barista::testing
