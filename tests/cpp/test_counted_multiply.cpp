// What plans say that convolutions, deconvolutions and inner products cost is what their kernels do: launches, steps, elements loaded and
// stored, each to the digit. On kernels that count (support/counted.hpp), the shapes of tests/shapes.json.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "ops/convolution.hpp"
#include "ops/deconvolution.hpp"
#include "ops/inner_product.hpp"
#include "plan/multiply_costs.hpp"
#include "support/counted.hpp"
#include "support/depthwise_problems.hpp"
#include "support/device_fixture.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

using device::Buffer;
using plan::Cost;
using plan::PassCost;

constexpr double kLargest = 3e7;  // multiply-adds; larger problems have no loop that the others lack

class CountedMultiplyTest : public DeviceTest {
 protected:
  const plan::Recipe& recipe() { return program().recipe(); }

  Buffer zeros(std::size_t count) {
    Buffer buffer = device().allocate(count * sizeof(float));
    fill(buffer);
    return buffer;
  }
  // Anew, so that the buffer's version is another.
  void fill(Buffer& buffer) {
    const std::vector<float> zeros(buffer.bytes() / sizeof(float));
    device().upload(buffer, zeros.data(), buffer.bytes());
  }

  // Weights are packed by the first pass that needs them after they changed.
  static Cost sum(const std::vector<PassCost>& costs, const std::string& pass, const std::string& packing) {
    Cost cost = cost_of(costs, pass);
    for (const PassCost& other : costs)
      if (other.pass == packing) cost += other.cost;
    return cost;
  }

  struct Sizes {
    std::size_t src, weights, dst, bias;
  };

  // All passes of an operation.
  template <typename Op>
  void expect_all(Op& op, const Sizes& sizes, const std::vector<PassCost>& costs, bool bias) {
    Buffer src = zeros(sizes.src), weights = zeros(sizes.weights), dst = zeros(sizes.dst), numbers = zeros(sizes.bias);
    Buffer diff_src = zeros(sizes.src), diff_weights = zeros(sizes.weights), diff_bias = zeros(sizes.bias);
    const auto forward = [&] { op.forward(src, weights, bias ? &numbers : nullptr, dst); };
    const auto backward_data = [&] { op.backward_data(dst, weights, diff_src); };
    EXPECT_EQ(counted(program(), forward), sum(costs, "forward", "pack weights for forward")) << "first forward";
    EXPECT_EQ(counted(program(), forward), cost_of(costs, "forward")) << "forward";
    backward_data();
    fill(weights);
    Cost both = cost_of(costs, "forward");
    both += sum(costs, "backward data", "pack weights");
    EXPECT_EQ(counted(program(), [&] { forward(), backward_data(); }), both) << "forward and backward data with new weights";
    EXPECT_EQ(counted(program(), backward_data), cost_of(costs, "backward data")) << "backward data";
    device().zero(diff_weights);
    device().zero(diff_bias);
    EXPECT_EQ(counted(program(), [&] { op.backward_weights(src, dst, diff_weights, bias ? &diff_bias : nullptr); }),
              cost_of(costs, "backward weights"))
        << "backward weights";
  }
};

TEST_F(CountedMultiplyTest, Convolution) {
  for (const Problem<ops::ConvolutionShape>& problem : convolution_problems()) {
    if (steps(problem.shape) > kLargest) continue;
    for (const bool bias : {true, false}) {
      SCOPED_TRACE(problem.name + " " + problem.text + (bias ? " with bias" : ""));
      const ops::ConvolutionShape& s = problem.shape;
      ops::Convolution op(program(), s);
      expect_all(op,
                 {std::size_t(s.N) * s.C * s.H * s.W, std::size_t(s.O) * (s.C / s.G) * s.KH * s.KW,
                  std::size_t(s.N) * s.O * s.P() * s.Q(), std::size_t(s.O)},
                 plan::costs(recipe(), s, bias), bias);
    }
  }
}

TEST_F(CountedMultiplyTest, DepthwiseConvolution) {
  for (const std::string& text : depthwise_problems()) {
    SCOPED_TRACE(text);
    const ops::ConvolutionShape s = parse_depthwise(text);
    if (steps(s) > kLargest) continue;
    ops::Convolution op(program(), s);
    expect_all(op,
               {std::size_t(s.N) * s.C * s.H * s.W, std::size_t(s.C) * s.KH * s.KW, std::size_t(s.N) * s.C * s.P() * s.Q(),
                std::size_t(s.C)},
               plan::costs(recipe(), s), true);
  }
}

TEST_F(CountedMultiplyTest, Deconvolution) {
  for (const Problem<ops::ConvolutionShape>& problem : convolution_problems()) {
    if (steps(problem.shape) > kLargest / 4) continue;
    for (const bool bias : {true, false}) {
      SCOPED_TRACE(problem.name + " " + problem.text + (bias ? " with bias" : ""));
      const ops::ConvolutionShape& s = problem.shape;
      ops::Deconvolution op(program(), s);
      expect_all(op,
                 {std::size_t(s.N) * s.O * s.P() * s.Q(), std::size_t(s.O) * (s.C / s.G) * s.KH * s.KW,
                  std::size_t(s.N) * s.C * s.H * s.W, std::size_t(s.C)},
                 plan::deconvolution_costs(recipe(), s, bias), bias);
    }
  }
}

TEST_F(CountedMultiplyTest, InnerProduct) {
  for (const Problem<ops::InnerProductShape>& problem : inner_product_problems()) {
    if (steps(problem.shape) > kLargest) continue;
    for (const bool bias : {true, false}) {
      SCOPED_TRACE(problem.name + " " + problem.text + (bias ? " with bias" : ""));
      const ops::InnerProductShape& s = problem.shape;
      ops::InnerProduct op(program(), s);
      expect_all(op, {std::size_t(s.N) * s.K, std::size_t(s.O) * s.K, std::size_t(s.N) * s.O, std::size_t(s.O)},
                 plan::costs(recipe(), s, bias), bias);
    }
  }
}

}  // namespace
}  // namespace barista::testing
