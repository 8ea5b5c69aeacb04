// Sums, products and maxima of blobs on the device against their formulas, on whole numbers and so to the last bit.
#include "ops/eltwise.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <vector>

#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;

class EltwiseTest : public DeviceTest {
 protected:
  // `sources` of `count` floats, and of dst and winners.
  void make(int sources, int count) {
    src.clear(), buffers.clear(), pointers.clear();
    for (int k = 0; k < sources; k++) {
      src.push_back(integers(count, k + 1));
      buffers.push_back(std::make_unique<CanariedBuffer>(device(), src.back()));
      pointers.push_back(&buffers.back()->buffer());
    }
    diff = integers(count, 99);
  }
  // fold(k, i, so far) over all sources but `left_out`.
  template <typename Fold>
  Floats expected(float start, const Fold& fold, int left_out = -1) const {
    Floats all(diff.size(), start);
    for (std::size_t i = 0; i < all.size(); i++)
      for (int k = 0; k < static_cast<int>(src.size()); k++)
        if (k != left_out) all[i] = fold(k, i, all[i]);
    return all;
  }

  std::vector<Floats> src;
  std::vector<std::unique_ptr<CanariedBuffer>> buffers;
  ops::Sources pointers;
  Floats diff;
};

constexpr int kLengths[] = {1, 15, 16, 17, 33, 100, 1000};
constexpr int kSources[] = {2, 3, 4, 7};

TEST_F(EltwiseTest, SumIsTheFormula) {
  for (const int count : kLengths)
    for (const int sources : kSources) {
      make(sources, count);
      const Floats coefficients = integers(sources, 50);
      CanariedBuffer dst(device(), count), diff_src(device(), count);
      ops::eltwise_sum(program(), pointers, coefficients, dst, count);
      ASSERT_EQ(dst.download(), expected(0, [&](int k, std::size_t i, float sum) { return sum + coefficients[k] * src[k][i]; }));
      ops::eltwise_sum_backward(program(), 3, CanariedBuffer(device(), diff), diff_src, count);
      for (float& x : diff) x *= 3;
      ASSERT_EQ(diff_src.download(), diff);
    }
}

TEST_F(EltwiseTest, ASumLeavesOutWhatHasNoCoefficient) {
  const float infinity = std::numeric_limits<float>::infinity();
  const CanariedBuffer numbers(device(), {1, 2, 3}), infinite(device(), Floats(3, infinity));
  const device::Buffer &number = numbers, &other = infinite;
  CanariedBuffer dst(device(), 3);
  const auto sum = [&](const ops::Sources& sources, const Floats& coefficients) {
    ops::eltwise_sum(program(), sources, coefficients, dst, 3);
    return dst.download();
  };
  EXPECT_EQ(sum({&number, &other}, {2, 0}), (Floats{2, 4, 6}));
  EXPECT_EQ(sum({&other, &number, &number}, {0, 2, 1}), (Floats{3, 6, 9}));
  EXPECT_EQ(sum({&other, &other}, {0, 0}), Floats(3, 0));
  EXPECT_EQ(sum({&number, &other, &number}, {1, 1, 1}), Floats(3, infinity));
}

TEST_F(EltwiseTest, ProductIsTheFormula) {
  for (const int count : kLengths)
    for (const int sources : kSources) {
      make(sources, count);
      const auto multiply = [&](int k, std::size_t i, float product) { return product * src[k][i]; };
      CanariedBuffer dst(device(), count);
      ops::eltwise_product(program(), pointers, dst, count);
      ASSERT_EQ(dst.download(), expected(1, multiply));
      for (int k = 0; k < sources; k++) {
        CanariedBuffer diff_src(device(), count);
        ops::eltwise_product_backward(program(), pointers, k, CanariedBuffer(device(), diff), diff_src, count);
        Floats wanted = expected(1, multiply, k);
        for (int i = 0; i < count; i++) wanted[i] *= diff[i];
        ASSERT_EQ(diff_src.download(), wanted) << "source " << k << " of " << sources;
      }
    }
}

// With divisors that are powers of two, so that quotients are exact.
TEST_F(EltwiseTest, QuotientIsTheFormula) {
  const Floats src = {1, 2, -4, 0.5F}, dst = {3, 6, 8, 5}, diff = {2, 3, -1, 7};
  CanariedBuffer diff_src(device(), 4);
  ops::eltwise_quotient_backward(program(), CanariedBuffer(device(), src), CanariedBuffer(device(), dst),
                                 CanariedBuffer(device(), diff), diff_src, 4);
  EXPECT_EQ(diff_src.download(), (Floats{6, 9, 2, 70}));
}

// Whole numbers of seven values: most maxima are shared, and it matters who wins.
TEST_F(EltwiseTest, MaximumIsTheFormulaAndHasStockCaffesWinners) {
  for (const int count : kLengths)
    for (const int sources : kSources) {
      make(sources, count);
      CanariedBuffer dst(device(), count), winners(device(), count);
      ops::eltwise_maximum(program(), pointers, dst, winners, count);
      Floats maximum(count), winner(count);
      for (int i = 0; i < count; i++) {
        winner[i] = src[0][i] > src[1][i] ? 0 : 1;
        for (int k = 2; k < sources; k++)
          if (src[k][i] > src[static_cast<int>(winner[i])][i]) winner[i] = static_cast<float>(k);
        maximum[i] = src[static_cast<int>(winner[i])][i];
      }
      ASSERT_EQ(winners.download(), winner);
      ASSERT_EQ(dst.download(), maximum);
      for (int k = 0; k < sources; k++) {
        CanariedBuffer diff_src(device(), count);
        ops::eltwise_maximum_backward(program(), k, winners, CanariedBuffer(device(), diff), diff_src, count);
        Floats wanted(count);
        for (int i = 0; i < count; i++) wanted[i] = winner[i] == static_cast<float>(k) ? diff[i] : 0;
        ASSERT_EQ(diff_src.download(), wanted) << "source " << k << " of " << sources;
      }
    }
}

}  // namespace
}  // namespace barista::testing
