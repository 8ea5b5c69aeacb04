// Numbers of each channel on the device against their formulas, on whole numbers and so to the last bit.
#include "ops/channels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/canaried_buffer.hpp"
#include "support/channel_shapes.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;
using Of = ops::ChannelCopy::Of;

class ChannelsTest : public DeviceTest {};

// Each operand alone, none, and all: in turn, over the shapes.
TEST_F(ChannelsTest, AffineIsTheFormula) {
  int turn = 0;
  for (const ops::ChannelShape& s : channel_shapes())
    for (const bool other : {false, true}) {
      const int which = turn++ % 6;
      const bool centre = which == 1 || which == 5, slope = other, scale = which == 2 || which >= 4, shift = which >= 3;
      SCOPED_TRACE(describe(s) + (other ? " with other" : "") + ", operands " + std::to_string(which));
      const Floats x = integers(count(s), 1), z = integers(count(s), 2), centres = integers(s.channels, 3),
                   slopes = integers(s.channels, 4), scales = integers(s.channels, 5), shifts = integers(s.channels, 6);
      Floats expected(count(s));
      for (int i = 0; i < count(s); i++) {
        const int c = channel_of(s, i);
        const float first = x[i] - (centre ? centres[c] : 0) - (other ? z[i] * slopes[c] : 0);
        expected[i] = first * (scale ? scales[c] : 1) + (shift ? shifts[c] : 0);
      }
      CanariedBuffer src(device(), x);
      const CanariedBuffer of_other(device(), z), of_centre(device(), centres), of_slope(device(), slopes),
          of_scale(device(), scales), of_shift(device(), shifts);
      CanariedBuffer dst(device(), x.size()), kept(device(), x.size());
      ops::ChannelAffine operands = {&src.buffer()};
      const auto given = [](const CanariedBuffer& buffer, bool is) {
        return is ? &static_cast<const device::Buffer&>(buffer) : nullptr;
      };
      operands.other = given(of_other, other), operands.centre = given(of_centre, centre), operands.slope = given(of_slope, slope);
      operands.scale = given(of_scale, scale), operands.shift = given(of_shift, shift);
      ops::channel_affine(program(), s, operands, dst);
      ASSERT_EQ(dst.download(), expected);
      const ops::ChannelCopy of_dst = {Of::kDst, kept}, of_src = {Of::kSrc, kept};
      dst.upload(Floats(x.size(), NAN)), ops::channel_affine(program(), s, operands, dst, &of_dst);
      ASSERT_EQ(dst.download(), expected);
      ASSERT_EQ(kept.download(), expected) << "a copy of dst";
      ops::channel_affine(program(), s, operands, src, &of_src);
      ASSERT_EQ(src.download(), expected) << "in place";
      ASSERT_EQ(kept.download(), x) << "a copy of src";
    }
}

struct Totals {
  Floats products, sums;
};

Totals totals(const ops::ChannelShape& s, const Floats& a, const Floats& b, const Floats& centres, bool negative) {
  Totals found = {Floats(s.channels), Floats(s.channels)};
  for (int i = 0; i < count(s); i++) {
    const int c = channel_of(s, i);
    const float y = b[i] - (centres.empty() ? 0 : centres[c]), x = a.empty() ? y : negative ? std::min(a[i], 0.0F) : a[i];
    found.products[c] += x * y, found.sums[c] += y;
  }
  return found;
}

TEST_F(ChannelsTest, SumsAreTheFormulaAddedOrNot) {
  for (const ops::ChannelShape& s : channel_shapes())
    for (const bool adds : {false, true}) {
      SCOPED_TRACE(describe(s) + (adds ? ", added" : ""));
      const Floats x = integers(count(s), 1), y = integers(count(s), 2), centres = integers(s.channels, 3);
      const Floats before = integers(s.channels, 4, 1, 9);
      const CanariedBuffer a(device(), x), b(device(), y), centre(device(), centres);
      CanariedBuffer products(device(), before), sums(device(), before);
      const auto expect = [&](const ops::ChannelTerms& terms, const Totals& expected) {
        products.upload(adds ? before : Floats(s.channels, NAN)), sums.upload(adds ? before : Floats(s.channels, NAN));
        ops::channel_sums(program(), s, terms, {&products.buffer(), adds}, {&sums.buffer(), adds});
        Floats of_products = expected.products, of_sums = expected.sums;
        for (int c = 0; adds && c < s.channels; c++) of_products[c] += before[c], of_sums[c] += before[c];
        ASSERT_EQ(products.download(), of_products);
        ASSERT_EQ(sums.download(), of_sums);
      };
      const device::Buffer &of_a = a, &of_b = b, &of_centre = centre;
      expect({&of_b, &of_a}, totals(s, x, y, {}, false));
      expect({&of_b, &of_a, &of_centre}, totals(s, x, y, centres, false));
      expect({&of_b, nullptr, &of_centre}, totals(s, {}, y, centres, false));
      expect({&of_b, &of_a, nullptr, true}, totals(s, x, y, {}, true));
    }
}

TEST_F(ChannelsTest, EitherSumMayBeLeftOut) {
  const ops::ChannelShape s = {3, 5, 20};
  const Floats x = integers(count(s), 1), y = integers(count(s), 2);
  const CanariedBuffer a(device(), x), b(device(), y);
  const Totals expected = totals(s, x, y, {}, false);
  const device::Buffer &of_a = a, &of_b = b;
  CanariedBuffer products(device(), s.channels), sums(device(), s.channels);
  ops::channel_sums(program(), s, {&of_b, &of_a}, {&products.buffer()}, {});
  EXPECT_EQ(products.download(), expected.products);
  ops::channel_sums(program(), s, {&of_b}, {}, {&sums.buffer()});
  EXPECT_EQ(sums.download(), expected.sums);
}

// A quotient is the float nearest to sum / divisor, whatever the device's division makes of it.
TEST_F(ChannelsTest, QuotientsAreTheNearest) {
  for (const ops::ChannelShape& s : channel_shapes()) {
    const auto divisor = static_cast<float>(s.outer * s.inner);
    const Floats y = integers(count(s), 1, -50, 99);
    const CanariedBuffer b(device(), y);
    const device::Buffer& of_b = b;
    CanariedBuffer sums(device(), s.channels);
    ops::ChannelTerms terms = {&of_b};
    terms.divisor = divisor;
    ops::channel_sums(program(), s, terms, {}, {&sums.buffer()});
    Floats expected = totals(s, {}, y, {}, false).sums;
    for (float& sum : expected) sum /= divisor;
    ASSERT_EQ(sums.download(), expected) << describe(s);
  }
}

// 3 * 2^23 and ones and a quarter: a single running sum in single precision would lose a fraction of each, partial sums lose few. The one
// that has the large number, of 8 a lane, is rounded to even numbers at each addition.
TEST_F(ChannelsTest, LongSumsLoseLittle) {
  const ops::ChannelShape s = {4, 2, 25000};
  Floats y(count(s), 1.25F);
  y[0] = 3 << 23;
  const CanariedBuffer b(device(), y);
  const device::Buffer& of_b = b;
  CanariedBuffer sums(device(), s.channels), again(device(), s.channels);
  ops::channel_sums(program(), s, {&of_b}, {}, {&sums.buffer()});
  ops::channel_sums(program(), s, {&of_b}, {}, {&again.buffer()});
  EXPECT_EQ(sums.download(), again.download());
  const double exact = 3 * (1 << 23) + 99999 * 1.25;
  EXPECT_NEAR(sums.download()[0], exact, 100000.0 / (8 * program().recipe().lanes) + 8);
}

// What is read of a neighbour along with a row's last words must not count, whatever it is.
TEST_F(ChannelsTest, ChannelsDoNotTouchEachOther) {
  for (const int inner : {1, 3, 17}) {
    const ops::ChannelShape s = {2, 3, inner};
    Floats x(count(s), 1), numbers = {1, INFINITY, 1};
    for (int i = 0; i < count(s); i++)
      if (channel_of(s, i) == 1) x[i] = i % 2 == 0 ? INFINITY : NAN;
    const CanariedBuffer a(device(), x), scale(device(), numbers);
    const device::Buffer &of_a = a, &of_scale = scale;
    CanariedBuffer products(device(), s.channels), sums(device(), s.channels), dst(device(), x.size());
    ops::channel_sums(program(), s, {&of_a, &of_a}, {&products.buffer()}, {&sums.buffer()});
    ops::ChannelAffine operands = {&of_a};
    operands.scale = &of_scale;
    ops::channel_affine(program(), s, operands, dst);
    const auto total = static_cast<float>(2 * inner);
    for (const int c : {0, 2}) {
      EXPECT_EQ(products.download()[c], total) << inner;
      EXPECT_EQ(sums.download()[c], total) << inner;
    }
    const Floats found = dst.download();
    for (int i = 0; i < count(s); i++) EXPECT_EQ(std::isfinite(found[i]), channel_of(s, i) != 1) << inner << ", " << i;
  }
}

TEST_F(ChannelsTest, NothingIsDoneForNoElements) {
  CanariedBuffer some(device(), Floats{1, 2, 3});
  const device::Buffer& of_some = some;
  for (const ops::ChannelShape& s : std::vector<ops::ChannelShape>{{0, 3, 1}, {3, 0, 1}, {1, 3, 0}}) {
    ops::channel_affine(program(), s, {&of_some}, some);
    ops::channel_sums(program(), s, {&of_some}, {&some.buffer()}, {});
    EXPECT_EQ(some.download(), Floats({1, 2, 3})) << describe(s);
  }
}

}  // namespace
}  // namespace barista::testing
