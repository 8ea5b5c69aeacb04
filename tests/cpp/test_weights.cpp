// The kernels that move weights and biases, without the array: in the array's layout and back, alone on one unit and shared by all.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "ops/packed_weights.hpp"
#include "ops/parameter_gradients.hpp"
#include "plan/multiply_plan.hpp"
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

  plan::GridPass pass() const {
    const plan::Axis axis = {taps, 1, taps, 0, 1, 1, 1, 0, 1};
    const int image = groups * channels * taps * taps;
    return {"forward",
            {false, 1, groups, channels, columns, image, image, axis, axis},
            {columns * kernel(), kernel(), 0, 1, kernel(), taps, taps, identity(taps), identity(taps)}};
  }
};

class WeightsTest : public DeviceTest {
 protected:
  plan::PassPlan planned(const Weights& w) { return plan::plan_pass(program().recipe(), w.pass()); }

  // Packed once as the second and the fourth of some layouts, and unpacked onto `sum`.
  Floats there_and_back(const Weights& w, const Floats& raw, const Floats& sum, bool adds, const ops::BiasGradient* bias) {
    const Weights narrow = {1, 1, w.groups * w.columns * w.channels, w.taps};  // as many numbers
    ops::PackedWeights packed(program());
    packed.add(planned(narrow));
    const std::size_t begin = packed.add(planned(w));
    packed.pack(CanariedBuffer(device(), Floats(raw.size(), 77)));
    packed.add(planned(narrow));
    const std::size_t again = packed.add(planned(w));
    ops::PackedGradient gradient(program(), planned(w));
    const device::Buffer& all = packed.pack(CanariedBuffer(device(), raw));
    Floats layouts(all.bytes() / sizeof(float));
    device().download(all, layouts.data(), all.bytes());
    const std::size_t bytes = gradient.packed().bytes();
    EXPECT_EQ(std::memcmp(&layouts[begin], &layouts[again], bytes), 0) << "one layout twice";
    device().upload(gradient.packed(), &layouts[again], bytes);
    CanariedBuffer target(device(), sum);
    gradient.add_to(target, adds, bias);
    return target.download();
  }
};

// What was packed comes back, added to what was there or in its place; no word of it stays behind or comes twice. The bias's gradient,
// added by the same launch, is its formula.
TEST_F(WeightsTest, ThereAndBackIsTheFormula) {
  for (const Weights& w : {Weights{1, 1, 1, 1}, Weights{2, 17, 3, 2}, Weights{1, 130, 129, 1}, Weights{3, 20, 5, 5}}) {
    SCOPED_TRACE(std::to_string(w.groups) + "x" + std::to_string(w.columns) + "x" + std::to_string(w.channels) + "x" +
                 std::to_string(w.taps));
    const Floats raw = integers(w.count(), 1);
    Floats sum = integers(w.count(), 2);
    ASSERT_EQ(there_and_back(w, raw, Floats(w.count(), std::numeric_limits<float>::quiet_NaN()), false, nullptr), raw);

    constexpr int kImages = 3, kOutputs = 37, kPlane = 18;
    const Floats diff = integers(kImages * kOutputs * kPlane, 3);
    Floats bias_sums = integers(kOutputs, 4);
    const CanariedBuffer diff_dst(device(), diff);
    CanariedBuffer diff_bias(device(), bias_sums);
    const ops::BiasGradient bias = {diff_dst, diff_bias, kImages, kOutputs, kPlane};
    const Floats found = there_and_back(w, raw, sum, true, &bias);
    for (int i = 0; i < w.count(); i++) sum[i] += raw[i];
    ASSERT_EQ(found, sum);
    for (std::size_t i = 0; i < diff.size(); i++) bias_sums[i / kPlane % kOutputs] += diff[i];
    ASSERT_EQ(diff_bias.download(), bias_sums);
  }
}

TEST_F(WeightsTest, BiasGradientIsTheFormula) {
  struct Shape {
    int images, outputs, plane;
  };
  for (const Shape& s : {Shape{1, 1, 1}, Shape{3, 17, 1}, Shape{2, 5, 31}, Shape{1, 2, 10'000}, Shape{130, 130, 1}}) {
    const Floats diff = integers(s.images * s.outputs * s.plane, 3);
    Floats sums = integers(s.outputs, 4);
    CanariedBuffer bias(device(), sums);
    for (std::size_t i = 0; i < diff.size(); i++) sums[i / s.plane % s.outputs] += diff[i];
    const CanariedBuffer diff_dst(device(), diff);
    ops::bias_gradient(program(), {diff_dst, bias, s.images, s.outputs, s.plane});
    ASSERT_EQ(bias.download(), sums) << s.images << "x" << s.outputs << "x" << s.plane;
  }
}

}  // namespace
}  // namespace barista::testing
