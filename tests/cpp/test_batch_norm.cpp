// Batch normalisation on the device against its formula in double precision.
//
// Bounds follow from how the device computes: a sum of n values has at most n / (8 * lanes) + 12 additions above any of them (8 partial
// sums a lane, then 7 and 4 more), so it is off by at most that many half units (u = 2^-24) of the sum of sizes; a mean is rounded once
// more; the differences from a mean that is off by D have a mean square that is off by D^2 and by those roundings. The rest is a few u.
#include "ops/batch_norm.hpp"
#include "plan/unsupported.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "plan/unsupported.hpp"
#include "support/canaried_buffer.hpp"
#include "support/channel_shapes.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

constexpr double kHalfUnit = 1.0 / (1 << 24);
constexpr float kEps = 1e-5F;

// Quarters from -4 to 4; far from 0 in every third channel, where E[x^2] - E[x]^2 in single precision would have no digit right.
Floats values(const ops::ChannelShape& s, std::uint32_t seed) {
  Floats all = integers(count(s), seed, -16, 16);
  for (int i = 0; i < count(s); i++) all[i] = all[i] / 4 + (channel_of(s, i) % 3 == 2 ? 1000.0F : 0.0F);
  return all;
}

double additions(const ops::ChannelShape& s, int lanes) { return s.outer * s.inner / (8.0 * lanes) + 12; }

// A number of each channel, and what the device's may be off by.
struct Bounded {
  explicit Bounded(const ops::ChannelShape& s) : exact(s.channels), off(s.channels) {}
  Doubles exact, off;
};

Bounded mean(const ops::ChannelShape& s, const Doubles& terms, int lanes) {
  Bounded found(s);
  const double n = s.outer * s.inner;
  for (int i = 0; i < count(s); i++) {
    const int c = channel_of(s, i);
    found.exact[c] += terms[i] / n, found.off[c] += (additions(s, lanes) + 2) * kHalfUnit * std::abs(terms[i]) / n;
  }
  return found;
}

Doubles doubles(const Floats& values) { return Doubles(values.begin(), values.end()); }

struct Statistics {
  Statistics(const ops::ChannelShape& s, const Floats& x, int lanes) : mean(testing::mean(s, doubles(x), lanes)), variance(s) {
    Doubles squares(count(s));
    for (int i = 0; i < count(s); i++) squares[i] = std::pow(x[i] - mean.exact[channel_of(s, i)], 2);
    variance = testing::mean(s, squares, lanes);
    for (int c = 0; c < s.channels; c++) variance.off[c] += std::pow(mean.off[c], 2) + 4 * kHalfUnit * variance.exact[c];
  }
  double scale(int c) const { return 1 / std::sqrt(variance.exact[c] + kEps); }
  // Of the scale, as a part of it.
  double scale_off(int c) const { return variance.off[c] / (variance.exact[c] + kEps) / 2 + 5 * kHalfUnit; }

  Bounded mean, variance;
};

void expect_near(const Floats& found, const Doubles& expected, const Doubles& bound, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); i++)
    ASSERT_LE(std::abs(found[i] - expected[i]), bound[i]) << what << "[" << i << "] is " << found[i] << ", not " << expected[i];
}

// Moving statistics on the device.
struct Moving {
  Moving(device::Program& program, const ops::ChannelShape& s, float first_factor = 0)
      : mean(program.device(), integers(s.channels, 7)),
        variance(program.device(), integers(s.channels, 8, 1, 9)),
        factor(program.device(), Floats{first_factor}) {}
  ops::MovingStatistics buffers() { return {mean, variance, factor}; }
  CanariedBuffer mean, variance, factor;
};

class BatchNormTest : public DeviceTest {
 protected:
  // Forward into two buffers, or in place and into one, and what came out.
  Floats forward(ops::BatchNorm& op, const Floats& x, Moving& moving, float fraction, bool in_place, CanariedBuffer& normalised) {
    CanariedBuffer src(device(), x), apart(device(), x.size());
    CanariedBuffer& dst = in_place ? src : apart;
    op.forward(src, moving.buffers(), fraction, dst, normalised);
    Floats found = dst.download();
    EXPECT_EQ(normalised.download(), found);
    return found;
  }
};

TEST_F(BatchNormTest, ForwardIsTheFormulaInPlaceOrNot) {
  for (const ops::ChannelShape& s : channel_shapes())
    for (const bool in_place : {false, true}) {
      SCOPED_TRACE(describe(s));
      const Floats x = values(s, 1);
      const Statistics of_batch(s, x, program().recipe().lanes);
      ops::BatchNorm op(program(), s, kEps);
      Moving moving(program(), s);
      CanariedBuffer normalised(device(), x.size());
      Doubles expected(x.size()), bound(x.size());
      for (int i = 0; i < count(s); i++) {
        const int c = channel_of(s, i);
        expected[i] = (x[i] - of_batch.mean.exact[c]) * of_batch.scale(c);
        bound[i] = of_batch.scale(c) * of_batch.mean.off[c] * 2 + std::abs(expected[i]) * (of_batch.scale_off(c) + 3 * kHalfUnit);
      }
      expect_near(forward(op, x, moving, 0.9F, in_place, normalised), expected, bound, "dst");
    }
}

TEST_F(BatchNormTest, MovingStatisticsAreTheFormula) {
  for (const ops::ChannelShape& s : channel_shapes()) {
    SCOPED_TRACE(describe(s));
    constexpr float kFraction = 0.9F;
    Moving moving(program(), s, 3);
    ops::BatchNorm op(program(), s, kEps);
    Doubles mean = doubles(moving.mean.download()), variance = doubles(moving.variance.download());
    Doubles mean_off(s.channels), variance_off(s.channels);
    float factor = 3;
    const double n = s.outer * s.inner, correction = n > 1 ? n / (n - 1) : 1;
    for (const std::uint32_t batch : {1, 2, 3}) {
      const Floats x = values(s, batch);
      const Statistics of_batch(s, x, program().recipe().lanes);
      CanariedBuffer normalised(device(), x.size());
      forward(op, x, moving, kFraction, batch == 2, normalised);
      for (int c = 0; c < s.channels; c++) {
        mean[c] = of_batch.mean.exact[c] + kFraction * mean[c];
        variance[c] = correction * of_batch.variance.exact[c] + kFraction * variance[c];
        mean_off[c] += of_batch.mean.off[c] + 3 * kHalfUnit * (std::abs(mean[c]) + std::abs(of_batch.mean.exact[c]));
        variance_off[c] += correction * of_batch.variance.off[c] + 4 * kHalfUnit * variance[c];
      }
      const volatile float kept = factor * kFraction;
      factor = kept + 1;
    }
    expect_near(moving.mean.download(), mean, mean_off, "mean");
    expect_near(moving.variance.download(), variance, variance_off, "variance");
    EXPECT_EQ(moving.factor.download(), Floats{factor});
  }
}

// It is rounded twice a batch, as in stock Caffe; a fused multiply-add would be another number soon.
TEST_F(BatchNormTest, FactorIsTheFormulaToTheBit) {
  const ops::ChannelShape s = {2, 1, 2};
  ops::BatchNorm op(program(), s, kEps);
  Moving moving(program(), s);
  CanariedBuffer normalised(device(), count(s));
  float factor = 0;
  for (int batch = 0; batch < 50; batch++) {
    forward(op, {1, 2, 3, 4}, moving, 0.999F, false, normalised);
    const volatile float kept = factor * 0.999F;
    factor = kept + 1;
    ASSERT_EQ(moving.factor.download()[0], factor) << batch;
  }
}

TEST_F(BatchNormTest, BackwardIsTheFormulaInPlaceOrNot) {
  for (const ops::ChannelShape& s : channel_shapes())
    for (const bool in_place : {false, true}) {
      SCOPED_TRACE(describe(s));
      const Floats x = values(s, 1), diff = integers(count(s), 2);
      const Statistics of_batch(s, x, program().recipe().lanes);
      ops::BatchNorm op(program(), s, kEps);
      Moving moving(program(), s);
      CanariedBuffer normalised(device(), x.size()), diff_dst(device(), diff), apart(device(), x.size());
      const Floats y = forward(op, x, moving, 0.9F, false, normalised);
      CanariedBuffer& diff_src = in_place ? diff_dst : apart;
      op.backward(normalised, diff_dst, diff_src);

      Doubles products(x.size());
      for (int i = 0; i < count(s); i++) products[i] = static_cast<double>(diff[i]) * y[i];
      const Bounded of_diff = mean(s, doubles(diff), program().recipe().lanes),
                    of_product = mean(s, products, program().recipe().lanes);
      Doubles expected(x.size()), bound(x.size());
      for (int i = 0; i < count(s); i++) {
        const int c = channel_of(s, i);
        const double parts[] = {diff[i], of_diff.exact[c], y[i] * of_product.exact[c]};
        expected[i] = (parts[0] - parts[1] - parts[2]) * of_batch.scale(c);
        const double off = of_diff.off[c] + std::abs(y[i]) * of_product.off[c] +
                           4 * kHalfUnit * (std::abs(parts[0]) + std::abs(parts[1]) + std::abs(parts[2]));
        bound[i] = of_batch.scale(c) * off * 1.001 + std::abs(expected[i]) * (of_batch.scale_off(c) + 2 * kHalfUnit);
      }
      expect_near(diff_src.download(), expected, bound, "diff_src");
    }
}

TEST_F(BatchNormTest, ByMovingStatisticsIsTheFormula) {
  for (const ops::ChannelShape& s : channel_shapes())
    for (const float factor : {0.0F, 3.0F}) {
      SCOPED_TRACE(describe(s));
      const Floats x = values(s, 1), diff = integers(count(s), 2);
      ops::BatchNorm op(program(), s, kEps);
      Moving moving(program(), s, factor);
      const Floats mean = moving.mean.download(), variance = moving.variance.download();
      CanariedBuffer src(device(), x), dst(device(), x.size()), diff_dst(device(), diff), diff_src(device(), x.size());
      op.forward_global(src, moving.buffers(), dst);
      op.backward_global(diff_dst, diff_src);
      const double by = factor == 0 ? 0 : 1 / static_cast<double>(factor);
      Doubles expected(x.size()), bound(x.size()), gradient(x.size()), gradient_bound(x.size());
      for (int i = 0; i < count(s); i++) {
        const int c = channel_of(s, i);
        const double scale = 1 / std::sqrt(variance[c] * by + kEps);
        expected[i] = (x[i] - mean[c] * by) * scale, gradient[i] = diff[i] * scale;
        bound[i] = kHalfUnit * (8 * std::abs(expected[i]) + 3 * scale * std::abs(mean[c] * by));
        gradient_bound[i] = 8 * kHalfUnit * std::abs(gradient[i]);
      }
      expect_near(dst.download(), expected, bound, "dst");
      expect_near(diff_src.download(), gradient, gradient_bound, "diff_src");
      op.forward_global(src, moving.buffers(), src);
      op.backward_global(diff_dst, diff_dst);
      EXPECT_EQ(src.download(), dst.download()) << "in place";
      EXPECT_EQ(diff_dst.download(), diff_src.download()) << "in place";
      EXPECT_EQ(moving.mean.download(), mean) << "they stay as they were";
      EXPECT_EQ(moving.variance.download(), variance);
      EXPECT_EQ(moving.factor.download(), Floats{factor});
    }
}

// The mean of equal values is that value, to the bit, so nothing of them is left to be blown up by 1 / sqrt(eps).
TEST_F(BatchNormTest, EqualValuesBecomeZero) {
  for (const ops::ChannelShape& s : channel_shapes()) {
    const Floats x(count(s), 5.25F);
    ops::BatchNorm op(program(), s, kEps);
    Moving moving(program(), s);
    CanariedBuffer normalised(device(), x.size());
    ASSERT_EQ(forward(op, x, moving, 0.9F, true, normalised), Floats(x.size(), 0.0F)) << describe(s);
  }
}

TEST_F(BatchNormTest, RunsGiveTheSameBits) {
  const ops::ChannelShape s = {5, 19, 77};
  Floats x(count(s)), first;
  for (int i = 0; i < count(s); i++) x[i] = std::sin(static_cast<float>(i));
  for (int run = 0; run < 5; run++) {
    ops::BatchNorm op(program(), s, kEps);
    Moving moving(program(), s);
    CanariedBuffer normalised(device(), x.size());
    const Floats y = forward(op, x, moving, 0.9F, false, normalised);
    if (run == 0) first = y;
    ASSERT_EQ(std::memcmp(y.data(), first.data(), y.size() * sizeof(float)), 0);
  }
}

TEST_F(BatchNormTest, NoValuesAreRefused) {
  for (const ops::ChannelShape& s : std::vector<ops::ChannelShape>{{0, 3, 1}, {3, 0, 1}, {1, 3, 0}})
    EXPECT_THROW(ops::BatchNorm(program(), s, kEps), plan::Unsupported);
}

}  // namespace
}  // namespace barista::testing
