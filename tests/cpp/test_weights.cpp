// The kernels that move weights and biases, without the grid: in the grid's layout and back, alone on one unit and shared by all.
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "ops/multiply.hpp"
#include "support/canaried_buffer.hpp"
#include "support/device_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {
namespace {

using Floats = std::vector<float>;

std::vector<int> identity(int count) {
  std::vector<int> taps(count);
  std::iota(taps.begin(), taps.end(), 0);
  return taps;
}

struct Weights {
  int groups, columns, channels, taps;

  int kernel() const { return channels * taps * taps; }
  int count() const { return groups * columns * kernel(); }
  ops::Contraction contraction() const {
    const ops::Axis axis = {taps, 1, taps, 0, 1, 1, 1, 0, 1};
    return {false, 1,    groups, channels, columns, groups * channels * taps * taps, groups * channels * taps * taps,
            false, axis, axis};
  }
  ops::RawLayout layout() const {
    return {columns * kernel(), kernel(), 0, 1, kernel(), taps, taps, identity(taps), identity(taps)};
  }
};

class WeightsTest : public DeviceTest {};

// What was packed comes back, added to what was there; no word of it stays behind or comes twice.
TEST_F(WeightsTest, ThereAndBackIsTheFormula) {
  for (const Weights& w : {Weights{1, 1, 1, 1}, Weights{2, 17, 3, 2}, Weights{1, 130, 129, 1}, Weights{3, 20, 5, 5}}) {
    const ops::Contraction contraction = w.contraction();
    ops::PackedWeights packed(manager(), ops::plan(manager().recipe(), contraction), contraction, w.layout());
    const Floats raw = integers(w.count(), 1);
    Floats sum = integers(w.count(), 2);
    CanariedBuffer gradient(manager(), sum);
    packed.pack(CanariedBuffer(manager(), raw));
    packed.unpack_add(gradient);
    for (int i = 0; i < w.count(); i++) sum[i] += raw[i];
    ASSERT_EQ(gradient.download(), sum) << w.groups << "x" << w.columns << "x" << w.channels << "x" << w.taps;
  }
}

TEST_F(WeightsTest, BiasGradientIsTheFormula) {
  struct Shape {
    int images, outputs, plane;
  };
  for (const Shape& s : {Shape{1, 1, 1}, Shape{3, 17, 1}, Shape{2, 5, 31}, Shape{1, 2, 10'000}, Shape{130, 130, 1}}) {
    const Floats diff = integers(s.images * s.outputs * s.plane, 3);
    Floats sums = integers(s.outputs, 4);
    CanariedBuffer bias(manager(), sums);
    for (std::size_t i = 0; i < diff.size(); i++) sums[i / s.plane % s.outputs] += diff[i];
    ops::bias_gradient(manager(), CanariedBuffer(manager(), diff), bias, s.images, s.outputs, s.plane);
    ASSERT_EQ(bias.download(), sums) << s.images << "x" << s.outputs << "x" << s.plane;
  }
}

}  // namespace
}  // namespace barista::testing
