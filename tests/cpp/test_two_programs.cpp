// Two programs in one process: of two bitstreams on one device, whose buffers they share, and on two devices, which share nothing.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "device/program.hpp"
#include "ops/convolution.hpp"
#include "ops/elementwise.hpp"
#include "ops/post_ops.hpp"
#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"
#include "support/reference_multiply.hpp"
#include "support/refusal.hpp"
#include "support/second_bitstream.hpp"
#include "support/second_device.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;

class TwoProgramsTest : public DeviceTest {
 protected:
  const ops::ConvolutionShape shape = parse_convolution("n3g2c4h9w9o22kh3kw3sh1sw1ph1pw1dh1dw1");
  const Sizes size = sizes(shape);
  const Floats values = integers(size.src, 1), weight_values = integers(size.weights, 2);

  Floats expected() const {
    Floats result(size.dst);
    for_each_product(shape, [&](std::size_t s, std::size_t w, std::size_t d) { result[d] += values[s] * weight_values[w]; });
    return result;
  }
};

// Each plans for its own recipe, and what one writes the other reads without a wait on the host.
TEST_F(TwoProgramsTest, OfTwoRecipesShareADevicesBuffers) {
  device::Program second(device(), device::Bitstream::open(second_bitstream()));
  ASSERT_NE(program().recipe().name, second.recipe().name);
  ASSERT_NE(program().recipe().pe_columns, second.recipe().pe_columns);
  const CanariedBuffer src(device(), values), weights(device(), weight_values);
  for (device::Program* maker : {&program(), &second}) {
    device::Program& other = maker == &second ? program() : second;
    ops::Convolution convolution(*maker, shape);
    CanariedBuffer dst(device(), size.dst), doubled(device(), size.dst);
    const device::Counters before = device().counters();
    convolution.forward(src, weights, nullptr, dst);
    EXPECT_FALSE(ops::fuse_rectify(other, dst)) << "the launch is of another program";
    ops::elementwise_forward(other, ops::power(1, 2, 0), dst, doubled, static_cast<int>(size.dst));
    EXPECT_EQ(device().counters().waits, before.waits) << "nothing of this waits on the host";
    Floats twice = expected();
    EXPECT_EQ(dst.download(), twice) << maker->recipe().name;
    for (float& value : twice) value *= 2;
    EXPECT_EQ(doubled.download(), twice) << other.recipe().name << " after " << maker->recipe().name;
  }
}

TEST_F(TwoProgramsTest, OnTwoDevicesComputeBesideEachOther) {
  const device::Bitstream bitstream = device::Bitstream::open(program().bitstream().path);
  device::Device other_device(bitstream, kSecondDevice);
  device::Program other(other_device, bitstream);
  for (device::Program* one : {&program(), &other}) {
    const CanariedBuffer src(one->device(), values), weights(one->device(), weight_values);
    CanariedBuffer dst(one->device(), size.dst);
    EXPECT_EQ(&dst.buffer().device(), &one->device());
    ops::Convolution(*one, shape).forward(src, weights, nullptr, dst);
    EXPECT_EQ(dst.download(), expected());
  }
}

TEST_F(TwoProgramsTest, ABufferOfAnotherDeviceIsRefused) {
  const device::Bitstream bitstream = device::Bitstream::open(program().bitstream().path);
  device::Device other_device(bitstream, kSecondDevice);
  const CanariedBuffer src(other_device, Floats(100, 1));
  CanariedBuffer dst(device(), 100);
  expect_refusal([&] { ops::elementwise_forward(program(), ops::power(1, 2, 0), src, dst, 100); }, {"another device", "host"});
}

}  // namespace
}  // namespace barista::testing
