// Depthwise convolution and its transpose on the device, through ops::Convolution and ops::Deconvolution, which choose it.
#include "ops/depthwise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "ops/deconvolution.hpp"
#include "ops/post_ops.hpp"
#include "support/canaried_buffer.hpp"
#include "support/depthwise_problems.hpp"
#include "support/device_fixture.hpp"
#include "support/multiply_tests.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;
using ops::ConvolutionShape;

constexpr double kUnit = 1.0 / (1 << 24);

class DepthwiseTest : public DeviceTest {
 protected:
  CanariedBuffer uploaded(const Floats& values) { return {device(), values}; }
};

TEST_F(DepthwiseTest, EveryPassEqualsItsFormula) {
  for (const std::string& text : depthwise_problems()) {
    SCOPED_TRACE(text);
    ASSERT_TRUE(plan::is_depthwise(parse_depthwise(text)));
    check_against_formula<ops::Convolution>(program(), parse_depthwise(text));
    if (HasFatalFailure()) return;
  }
}

TEST_F(DepthwiseTest, TransposedWithABiasEqualsItsFormula) {
  for (const std::string& text : depthwise_problems()) {
    SCOPED_TRACE(text);
    const ConvolutionShape s = parse_depthwise(text);
    const Sizes size = sizes(s);
    const Floats src = integers(size.dst, 1), weights = integers(size.weights, 2), bias = integers(s.C, 3);
    std::vector<double> expected(size.src);
    for (std::size_t i = 0; i < size.src; i++) expected[i] = bias[i / (s.H * s.W) % s.C];
    for_each_product(s, [&](std::size_t d, std::size_t w, std::size_t x) { expected[d] += double(src[x]) * weights[w]; });
    const CanariedBuffer device_bias = uploaded(bias);
    CanariedBuffer dst(device(), size.src);
    ops::Deconvolution(program(), s)
        .forward(uploaded(src), uploaded(weights), &static_cast<const device::Buffer&>(device_bias), dst);
    expect_equal(dst.download(), expected, "dst");
    if (HasFatalFailure()) return;
  }
}

TEST_F(DepthwiseTest, SameBitsOnEveryRun) {
  check_same_bits<ops::Convolution>(program(), parse_depthwise("n5c40h33w30kh3kw3sh1sw1ph1pw1dh1dw1"));
  check_same_bits<ops::Convolution>(program(), parse_depthwise("n3c21h40w41kh5kw5sh2sw2ph2pw2dh1dw1"));
}

TEST_F(DepthwiseTest, FollowsItsWeights) {
  check_follows_weights<ops::Convolution>(program(), parse_depthwise("n3c18h9w9kh3kw3sh1sw1ph1pw1dh1dw1"));
}

// A sum of products in any order is off by as many units as it has terms, each relative to the sum of their sizes.
TEST_F(DepthwiseTest, RoundsNoMoreThanItsSumsMust) {
  const ConvolutionShape s = parse_depthwise("n2c18h13w15kh5kw3sh2sw1ph2pw1dh1dw2");
  const Sizes size = sizes(s);
  const Floats src = rounding_numbers(size.src, 1), weights = rounding_numbers(size.weights, 2),
               diff = rounding_numbers(size.dst, 3);
  struct Sum {
    double value = 0, sizes = 0;
    int terms = 0;
    void add(double term) {
      value += term;
      sizes += std::abs(term);
      terms++;
    }
  };
  std::vector<Sum> dst(size.dst), diff_src(size.src), diff_weights(size.weights);
  for_each_product(s, [&](std::size_t x, std::size_t w, std::size_t d) {
    dst[d].add(double(src[x]) * weights[w]);
    diff_src[x].add(double(diff[d]) * weights[w]);
    diff_weights[w].add(double(diff[d]) * src[x]);
  });
  const auto expect_within = [](const Floats& found, const std::vector<Sum>& expected, const char* what) {
    for (std::size_t i = 0; i < found.size(); i++)
      ASSERT_LE(std::abs(found[i] - expected[i].value), (expected[i].terms + 1) * kUnit * expected[i].sizes) << what << " at " << i;
  };
  CanariedBuffer device_dst(device(), size.dst), device_diff_src(device(), size.src), gradient = uploaded(Floats(size.weights));
  ops::Convolution convolution(program(), s);
  convolution.forward(uploaded(src), uploaded(weights), nullptr, device_dst);
  convolution.backward_data(uploaded(diff), uploaded(weights), device_diff_src);
  convolution.backward_weights(uploaded(src), uploaded(diff), gradient);
  expect_within(device_dst.download(), dst, "dst");
  expect_within(device_diff_src.download(), diff_src, "diff_src");
  expect_within(gradient.download(), diff_weights, "diff_weights");
}

// To a bias of 2^24 one cannot be added, but 10 can.
TEST_F(DepthwiseTest, AddsTheBiasLast) {
  const ConvolutionShape s = parse_depthwise("n2c5h2w5kh2kw5sh1sw1ph0pw0dh1dw1");
  const CanariedBuffer bias = uploaded(Floats(5, 16777216));
  CanariedBuffer dst(device(), sizes(s).dst);
  ops::Convolution(program(), s)
      .forward(uploaded(Floats(sizes(s).src, 1)), uploaded(Floats(sizes(s).weights, 1)), &static_cast<const device::Buffer&>(bias),
               dst);
  EXPECT_EQ(dst.download(), Floats(sizes(s).dst, 16777216 + 10));
}

TEST_F(DepthwiseTest, RectifiesInItsStore) {
  check_rectifies_in_the_store<ops::Convolution>(program(), parse_depthwise("n3c18h9w9kh3kw3sh1sw1ph1pw1dh1dw1"));
  check_rectifies_in_the_store<ops::Convolution>(program(), parse_depthwise("n2c20h60w60kh3kw3sh2sw2ph1pw1dh1dw1"));
}

TEST_F(DepthwiseTest, ScalesAndShiftsInItsStoreByTheFormula) {
  const ConvolutionShape s = parse_depthwise("n3c18h9w7kh3kw3sh1sw1ph1pw1dh1dw1");
  const Sizes size = sizes(s);
  const Floats src = integers(size.src, 1), weights = integers(size.weights, 2), biases = integers(s.C, 3),
               factors = integers(s.C, 4), shifts = integers(s.C, 5);
  const CanariedBuffer bias = uploaded(biases), factor = uploaded(factors), shift = uploaded(shifts);
  for (const bool with_bias : {true, false}) {
    Floats sums(size.dst), expected, without;
    for_each_product(s, [&](std::size_t x, std::size_t w, std::size_t d) { sums[d] += src[x] * weights[w]; });
    for (std::size_t d = 0; d < size.dst; d++) {
      const std::size_t c = d / size.plane % s.C;
      without.push_back(sums[d] + (with_bias ? biases[c] : 0));
      expected.push_back(std::max(without[d] * factors[c] + shifts[c], 0.0F));
    }
    CanariedBuffer dst(device(), size.dst), kept(device(), size.dst);
    ops::Convolution convolution(program(), s);
    convolution.forward(uploaded(src), uploaded(weights), with_bias ? &static_cast<const device::Buffer&>(bias) : nullptr, dst);
    ops::AffinePostOp post_op;
    ASSERT_TRUE(post_op.fuse(program(), {s.N, s.C, s.P() * s.Q()}, dst, [&] {
      ops::ChannelAffine affine = {};
      affine.scale = &static_cast<const device::Buffer&>(factor);
      affine.shift = &static_cast<const device::Buffer&>(shift);
      return affine;
    }));
    ASSERT_TRUE(ops::fuse_rectify(program(), dst));
    EXPECT_EQ(dst.download(), expected);
    post_op.write_without(program(), kept);
    EXPECT_EQ(kept.download(), without);
  }
}

// What a NaN spoils is what its windows hold: not the rest of the row on chip, nor another lane, nor taps that are not.
TEST_F(DepthwiseTest, NanSpoilsTheWindowsThatHoldItAlone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const char* text :
       {"n1c20h6w7kh2kw2sh1sw1ph0pw0dh1dw1", "n1c20h6w7kh3kw2sh2sw1ph1pw1dh1dw1", "n1c20h9w7kh4kw4sh1sw2ph1pw2dh1dw1"}) {
    SCOPED_TRACE(text);
    const ConvolutionShape s = parse_depthwise(text);
    const Sizes size = sizes(s);
    Floats src(size.src, 1), diff(size.dst, 1);
    const std::size_t bad_src = 4 * s.H * s.W + 2 * s.W + s.W - 1, bad_diff = 9 * size.plane + size.plane - 1;
    src[bad_src] = diff[bad_diff] = nan;
    std::vector<char> dst_spoilt(size.dst), diff_src_spoilt(size.src), weights_spoilt(size.weights);
    for_each_product(s, [&](std::size_t x, std::size_t w, std::size_t d) {
      if (x == bad_src) dst_spoilt[d] = 1;
      if (d == bad_diff) diff_src_spoilt[x] = 1;
      if (x == bad_src) weights_spoilt[w] = 1;
    });
    // A gradient is NaN for every tap, also for those that see padding: 0 times NaN, as in stock Caffe.
    for (int tap = 0; tap < s.KH * s.KW; tap++) weights_spoilt[9 * s.KH * s.KW + tap] = 1;
    CanariedBuffer dst(device(), size.dst), diff_src(device(), size.src), gradient = uploaded(Floats(size.weights));
    const CanariedBuffer weights = uploaded(Floats(size.weights, 1));
    ops::Convolution convolution(program(), s);
    convolution.forward(uploaded(src), weights, nullptr, dst);
    convolution.backward_data(uploaded(diff), weights, diff_src);
    convolution.backward_weights(uploaded(src), uploaded(diff), gradient);
    const auto expect_spoilt = [](const Floats& found, const std::vector<char>& expected, const char* what) {
      for (std::size_t i = 0; i < found.size(); i++) ASSERT_EQ(std::isnan(found[i]), expected[i] != 0) << what << " at " << i;
    };
    expect_spoilt(dst.download(), dst_spoilt, "dst");
    expect_spoilt(diff_src.download(), diff_src_spoilt, "diff_src");
    expect_spoilt(gradient.download(), weights_spoilt, "diff_weights");
  }
}

}  // namespace
}  // namespace barista::testing
