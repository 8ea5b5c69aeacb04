// LRN on the device against its formula in double precision, and its powers, which are its own, against the C library's.
//
// With u = 2^-24, a sum of squares in s sweeps is off by (s + LRN_TAPS) u of itself, scale by two roundings more, and a power of it by
// |beta| times as much, and (3 + |beta|) u of its own. All sums here are of numbers of one sign, or are judged by their sizes.
#include "ops/lrn.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "plan/unsupported.hpp"
#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;
using ops::LRNFunction;
using ops::LRNRegion;
using ops::LRNShape;

constexpr LRNRegion kAcross = LRNRegion::kAcrossChannels, kWithin = LRNRegion::kWithinChannel;
constexpr double kUnit = 1.0 / (1 << 24);

struct Problem {
  LRNShape shape;
  LRNFunction function;
};

// Ragged and whole vectors and lanes; windows in one sweep and in several, and beyond all borders; tiles cut by rows, by columns and by
// channels; and windows of which only some rows fit the device at once. The largest first: what a device writes to a buffer in the
// place of a smaller one, which is gone, oclgrind takes for unwritten.
std::vector<Problem> problems() {
  std::vector<Problem> all = {{{1, 1, 33, 32}, {kWithin, 3, 9, 0.75F, 1}},  {{2, 9, 4, 5}, {kWithin, 3, 9, 0.75F, 1}},
                              {{2, 6, 1, 17}, {kAcross, 15, 3, 0.5F, 2}},   {{2, 7, 3, 3}, {kAcross, 5, 5, 0.75F, 1}},
                              {{1, 2, 3, 6}, {kWithin, 7, 20, 1.5F, 0.5F}}, {{1, 3, 1, 1}, {kWithin, 3, 1, 0.75F, 1}},
                              {{1, 1, 1, 1}, {kAcross, 5, 1, 0.75F, 1}}};
  if (std::getenv("BARISTA_TEST_SHAPES") != nullptr) return all;  // a device that checks every instruction
  for (const int local_size : {1, 3, 5, 7, 11, 99})
    for (const float beta : {0.75F, 0.0F, -1.0F, 2.0F})
      for (const LRNShape& shape : {LRNShape{3, 17, 5, 5}, LRNShape{1, 64, 4, 4}, LRNShape{5, 16, 8, 8}, LRNShape{1, 2, 9, 31}}) {
        all.push_back({shape, {kAcross, local_size, static_cast<float>(local_size), beta, 0.5F}});
        all.push_back({shape, {kWithin, local_size, static_cast<float>(local_size), beta, 0.5F}});
      }
  all.push_back({{2, 96, 13, 13}, {kAcross, 5, 5, 0.75F, 1}});      // strips of many vectors
  all.push_back({{1, 1030, 3, 7}, {kAcross, 5, 5, 0.75F, 1}});      // more channels than a tile holds
  all.push_back({{1, 1030, 1, 2}, {kAcross, 511, 400, 0.75F, 1}});  // and windows of half of them
  all.push_back({{2, 9, 55, 57}, {kWithin, 5, 25, 0.75F, 1}});
  all.push_back({{1, 2, 2, 1100}, {kWithin, 5, 25, 0.75F, 1}});
  all.push_back({{1, 3, 1100, 2}, {kWithin, 5, 25, 0.75F, 1}});
  all.push_back({{1, 1, 40, 41}, {kWithin, 35, 900, 0.75F, 1}});  // 35 rows of 41 words are more than 1,024
  all.push_back({{1, 1, 3, 530}, {kWithin, 501, 900, 0.75F, 1}});
  return all;
}

std::string describe(const Problem& p) {
  const LRNShape& s = p.shape;
  return std::to_string(s.N) + "x" + std::to_string(s.C) + "x" + std::to_string(s.H) + "x" + std::to_string(s.W) +
         (p.function.region == kAcross ? " across " : " within ") + std::to_string(p.function.local_size) + ", beta " +
         std::to_string(p.function.beta);
}

std::size_t count(const LRNShape& s) { return static_cast<std::size_t>(s.N) * s.C * s.H * s.W; }

// Calls `visit(j)` for every element in the window of element i.
template <typename Visit>
void each_in_window(const Problem& p, std::size_t i, const Visit& visit) {
  const LRNShape& s = p.shape;
  const int reach = p.function.local_size / 2, plane = s.H * s.W;
  const int c = static_cast<int>(i / plane) % s.C, h = static_cast<int>(i % plane) / s.W, w = static_cast<int>(i) % s.W;
  if (p.function.region == kAcross) {
    for (int k = std::max(c - reach, 0); k <= std::min(c + reach, s.C - 1); k++) visit(i + static_cast<long>(k - c) * plane);
    return;
  }
  for (int y = std::max(h - reach, 0); y <= std::min(h + reach, s.H - 1); y++)
    for (int x = std::max(w - reach, 0); x <= std::min(w + reach, s.W - 1); x++) visit(i + static_cast<long>(y - h) * s.W + x - w);
}

double window_size(const LRNFunction& f) {
  return f.region == kAcross ? f.local_size : static_cast<double>(f.local_size) * f.local_size;
}

// How many additions a term of a window's sum goes through at most.
int additions(const Problem& p) {
  const LRNShape& s = p.shape;
  const int taps = std::min(p.function.local_size, 2 * (p.function.region == kAcross ? s.C : s.W) - 1);
  const int rows = p.function.region == kAcross ? 1 : std::min(p.function.local_size, 2 * s.H - 1);
  return rows * ((taps + 4) / 5) + 5;
}

struct Bound {
  double value, error;
};

struct Reference {
  std::vector<Bound> dst, diff_src;
};

Reference reference(const Problem& p, const Floats& src, const Floats& diff_dst) {
  const LRNFunction& f = p.function;
  const double factor = f.alpha / window_size(f), roundings = additions(p) + 2;
  std::vector<Bound> scale(src.size()), power(src.size());
  Reference r;
  for (std::size_t i = 0; i < src.size(); i++) {
    double sum = 0;
    each_in_window(p, i, [&](std::size_t j) { sum += static_cast<double>(src[j]) * src[j]; });
    scale[i].value = f.k + factor * sum;
    scale[i].error = roundings * kUnit * (std::abs(f.k) + std::abs(factor) * sum) / scale[i].value;  // relative
    power[i].value = std::pow(scale[i].value, -f.beta);
    power[i].error = std::abs(f.beta) * scale[i].error + (3 + std::abs(f.beta)) * kUnit;  // relative
    const double dst = src[i] * power[i].value;
    r.dst.push_back({dst, std::abs(dst) * (power[i].error + kUnit)});
  }
  const double share = 2.0 * f.alpha * f.beta / window_size(f);
  for (std::size_t i = 0; i < src.size(); i++) {
    Bound sum = {0, 0};
    each_in_window(p, i, [&](std::size_t j) {
      const double term = diff_dst[j] * r.dst[j].value / scale[j].value;
      sum.value += term;
      // A quotient may be 2.5 units in the last place off.
      sum.error += std::abs(term) * (power[j].error + scale[j].error + (roundings + 8) * kUnit);
    });
    const double direct = diff_dst[i] * power[i].value, taken = share * src[i] * sum.value;
    r.diff_src.push_back({direct - taken, std::abs(direct) * (power[i].error + 2 * kUnit) + std::abs(share * src[i]) * sum.error +
                                              4 * kUnit * std::abs(taken)});
  }
  return r;
}

void expect_within(const Floats& found, const std::vector<Bound>& expected, const char* what) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); i++)
    ASSERT_TRUE(std::abs(found[i] - expected[i].value) <= expected[i].error)
        << what << "[" << i << "] is " << found[i] << ", must be " << expected[i].value << " +- " << expected[i].error;
}

class LRNTest : public DeviceTest {
 protected:
  Floats forward(const LRNShape& shape, const LRNFunction& function, const Floats& src) {
    CanariedBuffer dst(device(), src.size());
    ops::LRN(program(), shape, function).forward(CanariedBuffer(device(), src), dst);
    return dst.download();
  }
  // Of single elements: src * (k + alpha * src^2)^-beta.
  Floats of_single(const Floats& src, float alpha, float beta, float k) {
    return forward({1, 1, 1, static_cast<int>(src.size())}, {kAcross, 1, alpha, beta, k}, src);
  }
  std::string refusal(const LRNShape& shape, const LRNFunction& function) {
    try {
      ops::LRN(program(), shape, function);
    } catch (const plan::Unsupported& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(LRNTest, ForwardAndBackwardAreTheFormula) {
  for (const Problem& p : problems()) {
    SCOPED_TRACE(describe(p));
    const Floats src_values = integers(count(p.shape), 1), diff_values = integers(count(p.shape), 2);
    const CanariedBuffer src(device(), src_values), diff_dst(device(), diff_values);
    CanariedBuffer dst(device(), src_values.size()), diff_src(device(), src_values.size());
    ops::LRN lrn(program(), p.shape, p.function);
    lrn.forward(src, dst);
    lrn.backward(src, diff_dst, diff_src);
    const Reference expected = reference(p, src_values, diff_values);
    expect_within(dst.download(), expected.dst, "dst");
    expect_within(diff_src.download(), expected.diff_src, "diff_src");
    if (HasFatalFailure()) return;
  }
}

// Stock Caffe's running sum keeps what rounding lost beside the large value.
TEST_F(LRNTest, ALargeValueLeavesNothingBehind) {
  Floats src(40, 1);
  src[0] = 1e6F;
  const Floats dst = forward({1, 40, 1, 1}, {kAcross, 3, 3, 0.5F, 1}, src);
  for (std::size_t c = 2; c < 39; c++) EXPECT_NEAR(dst[c], 0.5F, 4 * kUnit) << c;
}

TEST_F(LRNTest, SecondForwardReplacesWhatTheFirstKept) {
  const Problem p = {{2, 7, 3, 5}, {kAcross, 3, 3, 0.75F, 1}};
  const CanariedBuffer first(device(), integers(count(p.shape), 1)), second(device(), integers(count(p.shape), 2));
  const CanariedBuffer diff_dst(device(), integers(count(p.shape), 3));
  CanariedBuffer dst(device(), count(p.shape)), twice(device(), count(p.shape)), once(device(), count(p.shape));
  ops::LRN lrn(program(), p.shape, p.function), fresh(program(), p.shape, p.function);
  lrn.forward(first, dst);
  lrn.forward(second, dst);
  lrn.backward(second, diff_dst, twice);
  fresh.forward(second, dst);
  fresh.backward(second, diff_dst, once);
  EXPECT_EQ(twice.download(), once.download());
}

TEST_F(LRNTest, PowersAreThoseOfTheCLibrary) {
  Floats src;
  for (int i = -620; i <= 620; i++) src.push_back(std::exp2(static_cast<float>(i) / 10) * (i % 2 == 0 ? 1 : -1));
  for (int i = -40; i <= 40; i++) src.push_back(1 + static_cast<float>(i) * 0.013F);  // around 1, where a logarithm is small
  for (const float beta : {0.75F, 0.5F, 0.1F, 1.0F, 1.25F, 3.0F, -0.75F, -0.3F}) {
    const Floats found = of_single(src, 1, beta, 0);
    for (std::size_t i = 0; i < src.size(); i++) {
      const double power = std::pow(static_cast<double>(src[i] * src[i]), -beta), expected = src[i] * power;
      if (std::max(power, std::abs(expected)) > std::numeric_limits<float>::max()) {
        EXPECT_TRUE(std::isinf(found[i])) << src[i] << ", beta " << beta;
      } else {
        // Powers and results below the normal numbers are zero.
        const double least = (1 + std::abs(src[i])) * std::numeric_limits<float>::min();
        EXPECT_NEAR(found[i], expected, (4 + std::abs(beta)) * kUnit * std::abs(expected) + least) << src[i] << ", beta " << beta;
      }
    }
  }
}

TEST_F(LRNTest, PowersOfWhatIsNoPositiveNumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  // scale is -4, 0, infinity, NaN
  const Floats src = {2, 0, 1e30F, nan};
  const Floats odd = of_single(src, -1, 1, 0), even = of_single(src, -1, 2, 0), root = of_single(src, -1, 0.5F, 0);
  EXPECT_EQ(odd[0], -0.5F);
  EXPECT_EQ(even[0], 0.125F);
  EXPECT_TRUE(std::isnan(root[0]));
  const Floats power = of_single(src, 1, 0.75F, 0), inverse = of_single(src, 1, -0.75F, 0),
               none = of_single({2, 0, 1e30F}, 1, 0, 0);
  EXPECT_TRUE(std::isnan(power[1])) << "0 * infinity, as in stock Caffe";
  EXPECT_EQ(inverse[1], 0);
  EXPECT_EQ(power[2], 0);
  EXPECT_EQ(inverse[2], infinity);
  EXPECT_TRUE(std::isnan(power[3]));
  EXPECT_EQ(none, (Floats{2, 0, 1e30F}));
}

// Stock Caffe goes on from the sum of the channel before, and what is not finite can't be subtracted from it again.
TEST_F(LRNTest, NanSpoilsItsWindowsAndAcrossChannelsAllThatFollow) {
  Floats src(9 * 16, 1);
  src[4 * 16 + 3] = std::numeric_limits<float>::quiet_NaN();
  const Floats across = forward({1, 9, 4, 4}, {kAcross, 3, 1, 0.75F, 1}, src);
  for (int i = 0; i < 9 * 16; i++) EXPECT_EQ(std::isnan(across[i]), i % 16 == 3 && i / 16 >= 3) << i;
  const Floats within = forward({1, 9, 4, 4}, {kWithin, 3, 1, 0.75F, 1}, src);
  for (int i = 0; i < 9 * 16; i++) EXPECT_EQ(std::isnan(within[i]), i / 16 == 4 && i % 16 / 4 <= 1 && i % 4 >= 2) << i;
}

TEST_F(LRNTest, RefusesWhatCannotBe) {
  const int words = program().recipe().acc_words;
  const std::string room = std::to_string(words);
  EXPECT_EQ(refusal({1, 0, 4, 4}, {kAcross, 5, 1, 0.75F, 1}),
            "LRN of 1x0x4x4 across 5 channels: every size must be at least 1, and local_size odd");
  EXPECT_NE(refusal({1, 3, 4, 4}, {kAcross, 4, 1, 0.75F, 1}), "");
  EXPECT_EQ(refusal({1, 2000, 4, 4}, {kAcross, 1999, 1, 0.75F, 1}),
            "LRN of 1x2000x4x4 across 1999 channels: a row of a window takes 1999 words, the bitstream has room for " + room);
  EXPECT_EQ(refusal({1, 2, 4, 2000}, {kWithin, 1999, 1, 0.75F, 1}),
            "LRN of 1x2x4x2000 within a channel, across 1999x1999 pixels: a row of a window takes 1999 words, the bitstream has "
            "room for " +
                room);
  EXPECT_EQ(refusal({1, words, 4, 4}, {kAcross, 1999, 1, 0.75F, 1}), "");
}

}  // namespace
}  // namespace barista::testing
