// Accuracy on the device against its formula: counts and their quotients, so equal to the bit.
#include "ops/accuracy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/canaried_buffer.hpp"
#include "support/class_axes.hpp"
#include "support/device_fixture.hpp"

namespace barista::testing {
namespace {

struct Accuracies {
  float all;
  std::vector<float> per_class;
};

Accuracies reference(const ops::ClassAxis& axis, const std::vector<float>& src, const std::vector<float>& labels, int top_k,
                     ops::IgnoredLabel ignored) {
  int right = 0, counted = 0;
  std::vector<int> right_of(axis.classes), counted_of(axis.classes);
  for (int p = 0; p < axis.positions(); p++) {
    const int label = static_cast<int>(labels[p]);
    if (ignored && label == *ignored) continue;
    int others = -1;
    for (int c = 0; c < axis.classes; c++) others += src[value_at(axis, p, c)] >= src[value_at(axis, p, label)] ? 1 : 0;
    counted++, counted_of[label]++;
    if (others < top_k) right++, right_of[label]++;
  }
  Accuracies all = {static_cast<float>(right) / static_cast<float>(std::max(1, counted)), {}};
  for (int c = 0; c < axis.classes; c++)
    all.per_class.push_back(static_cast<float>(right_of[c]) / static_cast<float>(std::max(1, counted_of[c])));
  return all;
}

class AccuracyTest : public DeviceTest {
 protected:
  Accuracies run(const ops::ClassAxis& axis, const std::vector<float>& src_values, const std::vector<float>& label_values,
                 int top_k, ops::IgnoredLabel ignored = std::nullopt) {
    const CanariedBuffer src(device(), src_values), labels(device(), label_values);
    CanariedBuffer dst(device(), 1), again(device(), 1), per_class(device(), axis.classes);
    ops::Accuracy op(program(), axis, top_k, ignored);
    op.forward(src, labels, dst);
    op.forward(src, labels, again, &per_class.buffer());
    const float all = dst.download()[0], with_classes = again.download()[0];
    EXPECT_TRUE(all == with_classes || (std::isnan(all) && std::isnan(with_classes))) << "with and without classes";
    return {dst.download()[0], per_class.download()};
  }
};

// Small integers: many values are equal, which is where a rank can be misread.
TEST_F(AccuracyTest, IsTheFormula) {
  for (const ops::ClassAxis& axis : class_axes())
    for (const int top_k : {1, 2, 5})
      for (const bool ignores : {false, true}) {
        SCOPED_TRACE(describe(axis) + ", top " + std::to_string(top_k) + (ignores ? ", a label is ignored" : ""));
        const std::vector<float> src = integers(values(axis), 1), labels = class_labels(axis, 2);
        const ops::IgnoredLabel ignored = ignores ? ops::IgnoredLabel(static_cast<int>(labels[0])) : std::nullopt;
        const Accuracies found = run(axis, src, labels, top_k, ignored), expected = reference(axis, src, labels, top_k, ignored);
        ASSERT_EQ(found.all, expected.all);
        ASSERT_EQ(found.per_class, expected.per_class);
      }
}

TEST_F(AccuracyTest, QuotientsAreTheNearestFloats) {
  for (const int positions : {3, 7, 41, 49, 97, 239, 1000}) {
    const ops::ClassAxis axis = {positions, 2, 1};
    const int right = positions / 3;
    std::vector<float> src(values(axis), 0);
    for (int p = 0; p < right; p++) src[value_at(axis, p, 1)] = -1;
    const std::vector<float> labels(positions, 0);
    EXPECT_EQ(run(axis, src, labels, 1).all, static_cast<float>(right) / static_cast<float>(positions)) << positions;
  }
}

TEST_F(AccuracyTest, NanInPlaceOfTheLabelsValueIsRightAsInStockCaffe) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(run({2, 3, 1}, {nan, 1, 2, 0, nan, 1}, {0, 0}, 1).all, 0.5F);
}

TEST_F(AccuracyTest, WhereAllIsIgnoredItIsZero) {
  const Accuracies found = run({2, 3, 1}, {1, 0, 0, 1, 0, 0}, {0, 0}, 1, 0);
  EXPECT_EQ(found.all, 0);
  EXPECT_EQ(found.per_class, std::vector<float>(3, 0));
}

TEST_F(AccuracyTest, ALabelThatIsNoClassMakesItNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float label : {-1.0F, 3.0F, 3e9F, nan}) {
    const Accuracies found = run({2, 3, 1}, {1, 0, 0, 1, 0, 0}, {label, 0}, 1);
    EXPECT_TRUE(std::isnan(found.all)) << label;
    EXPECT_EQ(found.per_class, (std::vector<float>{1, 0, 0})) << label;
  }
  EXPECT_EQ(run({2, 3, 1}, {1, 0, 0, 1, 0, 0}, {-1, 0}, 1, -1).all, 1) << "it is ignored";
}

}  // namespace
}  // namespace barista::testing
