// Post-ops fused into the PE array against its formula, on whole numbers and so to the last bit.
#include "ops/post_ops.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "ops/convolution.hpp"
#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"
#include "support/reference_multiply.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;

// A convolution whose result is worked on in place.
class PostOpsTest : public DeviceTest {
 protected:
  const ops::ConvolutionShape shape = parse_convolution("n3g2c4h4w5o22kh3kw3sh1sw1ph1pw1dh1dw1");
  const Sizes size = sizes(shape);
  const ops::ChannelShape channels = {shape.N, shape.O, shape.P() * shape.Q()};
  const Floats values = integers(size.src, 1), weight_values = integers(size.weights, 2), biases = integers(size.outputs, 3);

  // What the convolution makes.
  Floats plain(bool with_bias) const {
    Floats result(size.dst);
    for_each_product(shape, [&](std::size_t s, std::size_t w, std::size_t d) { result[d] += values[s] * weight_values[w]; });
    for (std::size_t d = 0; d < size.dst && with_bias; d++) result[d] += biases[d / size.plane % size.outputs];
    return result;
  }

  void forward(ops::Convolution& convolution, bool with_bias, CanariedBuffer& dst) {
    const CanariedBuffer src(device(), values), weights(device(), weight_values), bias(device(), biases);
    convolution.forward(src, weights, with_bias ? &static_cast<const device::Buffer&>(bias) : nullptr, dst);
  }
};

TEST_F(PostOpsTest, OneAfterTheOtherIsTheFormula) {
  ops::Convolution convolution(program(), shape);
  const Floats centres = integers(size.outputs, 4), scales = integers(size.outputs, 5), factors = integers(size.outputs, 6),
               shifts = integers(size.outputs, 7);
  const CanariedBuffer centre(device(), centres), scale(device(), scales), factor(device(), factors), shift(device(), shifts);
  ops::AffinePostOp first, second;
  const auto centred = [&] {
    ops::ChannelAffine affine = {};
    affine.centre = &static_cast<const device::Buffer&>(centre);
    affine.scale = &static_cast<const device::Buffer&>(scale);
    return affine;
  };
  const auto shifted = [&] {
    ops::ChannelAffine affine = {};
    affine.scale = &static_cast<const device::Buffer&>(factor);
    affine.shift = &static_cast<const device::Buffer&>(shift);
    return affine;
  };
  for (const bool with_bias : {false, true, false}) {
    CanariedBuffer dst(device(), size.dst), without_second(device(), size.dst);
    Floats after_first = plain(with_bias), expected;
    for (std::size_t d = 0; d < size.dst; d++) {
      const std::size_t c = d / size.plane % size.outputs;
      after_first[d] = (after_first[d] - centres[c]) * scales[c];
      expected.push_back(std::max(after_first[d] * factors[c] + shifts[c], 0.0F));
    }
    forward(convolution, with_bias, dst);
    ASSERT_TRUE(first.fuse(program(), channels, dst, centred));
    ASSERT_TRUE(second.fuse(program(), channels, dst, shifted));
    ASSERT_TRUE(ops::fuse_rectify(program(), dst));
    ASSERT_FALSE(first.fuse(program(), channels, dst, centred)) << "not after it was rectified";
    EXPECT_EQ(dst.download(), expected);
    second.write_without(program(), without_second);
    EXPECT_EQ(without_second.download(), after_first);
    EXPECT_EQ(dst.download(), expected) << "what was kept is kept elsewhere";
  }
}

TEST_F(PostOpsTest, ShiftsAlone) {
  ops::Convolution convolution(program(), shape);
  const Floats shifts = integers(size.outputs, 8);
  const CanariedBuffer shift(device(), shifts);
  ops::AffinePostOp post_op;
  for (const bool with_bias : {false, true}) {
    CanariedBuffer dst(device(), size.dst);
    Floats expected = plain(with_bias);
    for (std::size_t d = 0; d < size.dst; d++) expected[d] += shifts[d / size.plane % size.outputs];
    forward(convolution, with_bias, dst);
    ASSERT_TRUE(post_op.fuse(program(), channels, dst, [&] {
      ops::ChannelAffine affine = {};
      affine.shift = &static_cast<const device::Buffer&>(shift);
      return affine;
    }));
    EXPECT_EQ(dst.download(), expected);
  }
}

// As where the blob is seen in another shape, or somebody has looked at it.
TEST_F(PostOpsTest, DeclinesWhatTheStoreCannotDo) {
  ops::Convolution convolution(program(), shape);
  CanariedBuffer dst(device(), size.dst), other(device(), size.dst);
  ops::AffinePostOp post_op;
  const auto never = [&]() -> ops::ChannelAffine {
    ADD_FAILURE() << "asked for its numbers";
    return {};
  };
  forward(convolution, true, dst);
  EXPECT_FALSE(post_op.fuse(program(), {shape.N, shape.O / 2, 2 * channels.inner}, dst, never));
  EXPECT_FALSE(post_op.fuse(program(), {shape.N * 2, shape.O, channels.inner / 2}, dst, never));
  EXPECT_FALSE(post_op.fuse(program(), channels, other, never));
  EXPECT_FALSE(ops::fuse_rectify(program(), other));
  EXPECT_EQ(dst.download(), plain(true));
  EXPECT_FALSE(post_op.fuse(program(), channels, dst, never));
  EXPECT_FALSE(ops::fuse_rectify(program(), dst));
  EXPECT_EQ(dst.download(), plain(true));
}

}  // namespace
}  // namespace barista::testing
