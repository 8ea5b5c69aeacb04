// Convolution on the device against its formula, over the shared shapes.
#include "ops/convolution.hpp"

#include "plan/unsupported.hpp"
#include "support/device_fixture.hpp"
#include "support/multiply_tests.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

using ConvolutionTest = DeviceTest;

TEST_F(ConvolutionTest, EveryPassEqualsItsFormula) {
  for (const auto& problem : convolution_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    check_against_formula<ops::Convolution>(program(), problem.shape);
    if (HasFatalFailure()) return;
  }
}

TEST_F(ConvolutionTest, SameBitsOnEveryRun) {
  check_same_bits<ops::Convolution>(program(), parse_convolution("n17g1c20h12w12o50kh5kw5sh1sw1ph2pw2dh1dw1"));
  check_same_bits<ops::Convolution>(program(), parse_convolution("n9g1c1h28w28o20kh5kw5sh1sw1ph0pw0dh1dw1"));
  check_same_bits<ops::Convolution>(program(), parse_convolution("n5g2c12h15w14o10kh3kw3sh2sw2ph1pw1dh1dw1"));
}

TEST_F(ConvolutionTest, FollowsItsWeights) {
  check_follows_weights<ops::Convolution>(program(), parse_convolution("n3g1c5h9w9o7kh3kw3sh1sw1ph1pw1dh1dw1"));
}

TEST_F(ConvolutionTest, RectifiesInTheStore) {
  check_rectifies_in_the_store<ops::Convolution>(program(), parse_convolution("n9g2c6h9w7o34kh3kw3sh1sw1ph1pw1dh1dw1"));
}

// What the best-known FPGA fork of Caffe gets wrong: it returns the last image's gradient.
TEST_F(ConvolutionTest, WeightGradientOfABatchIsTheSumOverItsImages) {
  const ops::ConvolutionShape batch = parse_convolution("n11g1c6h10w10o9kh3kw3sh1sw1ph1pw1dh1dw1");
  ops::ConvolutionShape image = batch;
  image.N = 1;
  const Sizes size = sizes(batch), one = sizes(image);
  const std::vector<float> src = integers(size.src, 1), diff_dst = integers(size.dst, 2);
  CanariedBuffer whole(device(), std::vector<float>(size.weights)), summed(device(), std::vector<float>(size.weights));
  ops::Convolution(program(), batch).backward_weights(CanariedBuffer(device(), src), CanariedBuffer(device(), diff_dst), whole);
  ops::Convolution single(program(), image);
  for (int n = 0; n < batch.N; n++)
    single.backward_weights(CanariedBuffer(device(), std::vector<float>(&src[n * one.src], &src[n * one.src] + one.src)),
                            CanariedBuffer(device(), std::vector<float>(&diff_dst[n * one.dst], &diff_dst[n * one.dst] + one.dst)),
                            summed);
  EXPECT_EQ(whole.download(), summed.download());
}

// To a bias of 2^24 one cannot be added, but 36 can: a small sum must not be lost in a large bias, one term after the other.
TEST_F(ConvolutionTest, AddsTheBiasLast) {
  const ops::ConvolutionShape shape = parse_convolution("n2g1c4h3w3o3kh3kw3sh1sw1ph0pw0dh1dw1");
  const Sizes size = sizes(shape);
  const float bias = 16777216;
  CanariedBuffer dst(device(), std::vector<float>(size.dst));
  const CanariedBuffer device_bias(device(), std::vector<float>(size.outputs, bias));
  ops::Convolution(program(), shape)
      .forward(CanariedBuffer(device(), std::vector<float>(size.src, 1)),
               CanariedBuffer(device(), std::vector<float>(size.weights, 1)), &static_cast<const device::Buffer&>(device_bias),
               dst);
  EXPECT_EQ(dst.download(), std::vector<float>(size.dst, bias + 36));
}

// When it is made, so that stock Caffe can run the layer, and not in its first pass. See test_multiply_plan.cpp.
TEST_F(ConvolutionTest, RefusesAShapeOfWhichAPassHasNoTile) {
  EXPECT_THROW(ops::Convolution(program(), parse_convolution("n1g1c1h5w5o2kh5kw5sh4000sw1ph0pw0dh1dw1")), plan::Unsupported);
}

TEST_F(ConvolutionTest, RefusesAShapeWithoutOutput) {
  try {
    const ops::Convolution convolution(program(), parse_convolution("n1g1c1h3w3o1kh5kw5sh1sw1ph0pw0dh1dw1"));
    FAIL() << "a 5x5 kernel was accepted on a 3x3 image";
  } catch (const plan::Unsupported& error) {
    EXPECT_STREQ(error.what(), "convolution: its output is -1x-1; a kernel must fit into the padded image");
  }
}

}  // namespace
}  // namespace barista::testing
