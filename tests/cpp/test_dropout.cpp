// Dropout's masks on the device: they are the published generator's, to the bit, wherever an element is computed.
#include "ops/dropout.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"
#include "support/threefry.hpp"

namespace barista::testing {
namespace {

class DropoutTest : public DeviceTest {
 protected:
  std::vector<float> dropped(const ops::DropoutMask& mask, const std::vector<float>& src) {
    CanariedBuffer dst(device(), src.size());
    ops::dropout(program(), mask, CanariedBuffer(device(), src), dst, static_cast<int>(src.size()));
    return dst.download();
  }
};

// The known answers that its authors publish with it (Random123, kat_vectors).
TEST(Threefry, GivesThePublishedAnswers) {
  EXPECT_EQ(threefry({0, 0, 0, 0}, {0, 0, 0, 0}), (Words{0x9c6ca96a, 0xe17eae66, 0xfc10ecd4, 0x5256a7d8}));
  EXPECT_EQ(threefry({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U, ~0U, ~0U}), (Words{0x2a881696, 0x57012287, 0xf6c7446e, 0xa16a6732}));
  EXPECT_EQ(threefry({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89}),
            (Words{0x59cd1dbb, 0xb8879579, 0x86b5d00c, 0xac8b6d84}));
}

TEST_F(DropoutTest, MaskIsTheFormulaOnEveryLength) {
  for (const std::uint32_t key : {0U, 1U, 0xdeadbeefU, ~0U})
    for (const int count : {1, 3, 4, 15, 16, 17, 33, 100, 1000}) {
      const std::vector<float> src = integers(count, 1, 1, 5);
      for (const std::uint32_t drop_below : {0U, 1U << 30, 1U << 31, ~0U}) {
        std::vector<float> expected = src;
        for (int i = 0; i < count; i++) expected[i] *= word(key, i) >= drop_below ? 2.0F : 0.0F;
        ASSERT_EQ(dropped({key, drop_below, 2}, src), expected) << "key " << key << ", " << count << " floats";
      }
    }
}

// Every bit of a word matters: the threshold is set to the words themselves.
TEST_F(DropoutTest, AllBitsOfAWordAreTheGenerators) {
  const std::vector<float> ones(20, 1);
  for (std::uint32_t i = 0; i < 20; i++) {
    const std::uint32_t exact = word(5, i);
    EXPECT_EQ(dropped({5, exact, 1}, ones)[i], 1);
    EXPECT_EQ(dropped({5, exact + 1, 1}, ones)[i], 0);
  }
}

// A mask of 0 is a factor, as in stock Caffe, and hides neither.
TEST_F(DropoutTest, KeepsNanAndInfinity) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> mask = dropped({3, 1U << 31, 2}, std::vector<float>(40, 1)),
                           infinite = dropped({3, 1U << 31, 2}, std::vector<float>(40, infinity)),
                           none = dropped({3, 1U << 31, 2}, std::vector<float>(40, nan));
  for (int i = 0; i < 40; i++) {
    EXPECT_TRUE(mask[i] == 0 ? std::isnan(infinite[i]) : infinite[i] == infinity) << i;
    EXPECT_TRUE(std::isnan(none[i])) << i;
  }
}

TEST_F(DropoutTest, WorksInPlace) {
  const std::vector<float> src = integers(100, 1, 1, 5);
  CanariedBuffer both(device(), src);
  ops::dropout(program(), {3, 1U << 31, 2}, both, both, 100);
  EXPECT_EQ(both.download(), dropped({3, 1U << 31, 2}, src));
}

TEST_F(DropoutTest, WithAMaskOfSomebodyElsesIsTheFormula) {
  const std::vector<float> src = integers(100, 1), mask = integers(100, 2, 0, 1);
  std::vector<float> expected = src;
  for (int i = 0; i < 100; i++) expected[i] *= mask[i] * 4;
  CanariedBuffer dst(device(), src.size());
  ops::dropout(program(), CanariedBuffer(device(), mask), 4, CanariedBuffer(device(), src), dst, 100);
  EXPECT_EQ(dst.download(), expected);
}

}  // namespace
}  // namespace barista::testing
