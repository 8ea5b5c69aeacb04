// What a plan says that a pass costs is what its kernels do: launches, steps, elements loaded and stored, each to the digit. On kernels
// that count (support/counted.hpp), whole and ragged shapes.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "ops/accuracy.hpp"
#include "ops/batch_norm.hpp"
#include "ops/concat.hpp"
#include "ops/dropout.hpp"
#include "ops/elementwise.hpp"
#include "ops/eltwise.hpp"
#include "ops/euclidean_loss.hpp"
#include "ops/lrn.hpp"
#include "ops/pooling.hpp"
#include "ops/prelu.hpp"
#include "ops/scale.hpp"
#include "ops/sigmoid_cross_entropy_loss.hpp"
#include "ops/slice.hpp"
#include "ops/softmax.hpp"
#include "ops/softmax_loss.hpp"
#include "ops/solver_update.hpp"
#include "ops/split.hpp"
#include "plan/copy.hpp"
#include "plan/eltwise.hpp"
#include "plan/losses.hpp"
#include "plan/normalisation.hpp"
#include "plan/solver_update.hpp"
#include "support/channel_shapes.hpp"
#include "support/class_axes.hpp"
#include "support/counted.hpp"
#include "support/device_fixture.hpp"
#include "support/elementwise_cases.hpp"
#include "support/pooling_problems.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

using device::Buffer;
using plan::PassCost;

class CountedTest : public DeviceTest {
 protected:
  // Holds a pass to its plan.
  void expect(const std::vector<PassCost>& costs, const std::string& pass, const std::function<void()>& run) {
    EXPECT_EQ(counted(program(), run), cost_of(costs, pass)) << pass;
  }
  const plan::Recipe& recipe() { return program().recipe(); }
  // Floats, ones: whatever an operation takes, logarithms and labels among it.
  Buffer floats(std::size_t count) {
    Buffer buffer = device().allocate(count * sizeof(float));
    const std::vector<float> ones(count, 1);
    device().upload(buffer, ones.data(), buffer.bytes());
    return buffer;
  }
};

const std::vector<int> kCounts = {1, 3, 16, 17, 31, 64, 1000, 4096, 12345, 40000};

TEST_F(CountedTest, Pooling) {
  using ops::PoolingMethod;
  for (const Problem<PoolingProblem>& problem : pooling_problems()) {
    if (steps(problem.shape) > 3e6) continue;
    for (const PoolingMethod method : {problem.shape.method, PoolingMethod::kStochastic, PoolingMethod::kExpected}) {
      SCOPED_TRACE(problem.name + " " + problem.text + ", method " + std::to_string(static_cast<int>(method)));
      const bool given = method == problem.shape.method;
      const ops::PoolingShape s = given ? problem.shape.shape : unpadded(problem.shape);
      if (s.P < 1 || s.Q < 1) continue;
      ops::Pooling op(program(), s, method);
      Buffer src = floats(std::size_t(s.N) * s.C * s.H * s.W), dst = floats(std::size_t(s.N) * s.C * s.P * s.Q);
      Buffer diff_src = floats(src.bytes() / sizeof(float)), winners = floats(dst.bytes() / sizeof(float));
      const auto costs = plan::pooling_costs(recipe(), s, method);
      expect(costs, "forward", [&] { op.forward(src, dst, winners, 7); });
      if (method != PoolingMethod::kExpected) expect(costs, "backward", [&] { op.backward(dst, winners, diff_src); });
    }
  }
}

TEST_F(CountedTest, LRN) {
  using ops::LRNRegion;
  std::vector<ops::LRNShape> shapes = {{1, 1, 33, 32}, {2, 9, 4, 5},    {2, 6, 1, 17},   {2, 7, 3, 3},  {1, 1, 1, 1},
                                       {3, 17, 5, 5},  {1, 64, 4, 4},   {5, 16, 8, 8},   {1, 2, 9, 31}, {2, 96, 13, 13},
                                       {2, 9, 55, 57}, {1, 1030, 3, 7}, {1, 2, 2, 1100}, {1, 1, 40, 41}};
  for (const ops::LRNShape& s : shapes)
    for (const LRNRegion region : {LRNRegion::kAcrossChannels, LRNRegion::kWithinChannel})
      for (const int local_size : {1, 5, 7, 35}) {
        SCOPED_TRACE(std::to_string(s.N) + "x" + std::to_string(s.C) + "x" + std::to_string(s.H) + "x" + std::to_string(s.W) +
                     (region == LRNRegion::kWithinChannel ? " within " : " across ") + std::to_string(local_size));
        const ops::LRNFunction function = {region, local_size, 1, 0.75F, 1};
        ops::LRN op(program(), s, function);
        Buffer src = floats(std::size_t(s.N) * s.C * s.H * s.W), dst = floats(src.bytes() / sizeof(float));
        Buffer diff_src = floats(src.bytes() / sizeof(float));
        const auto costs = plan::lrn_costs(recipe(), s, function);
        expect(costs, "forward", [&] { op.forward(src, dst); });
        expect(costs, "backward", [&] { op.backward(src, dst, diff_src); });
      }
}

TEST_F(CountedTest, ElementwiseFunctions) {
  for (const int count : kCounts)
    for (const FunctionCase& c : function_cases()) {
      SCOPED_TRACE(c.name + " of " + std::to_string(count));
      Buffer src = floats(count), dst = floats(count), diff_dst = floats(count), diff_src = floats(count);
      const auto costs = plan::elementwise_costs(recipe(), c.function, count);
      expect(costs, "forward", [&] { ops::elementwise_forward(program(), c.function, src, dst, count); });
      if (!c.function.differentiable) continue;
      expect(costs, "backward", [&] { ops::elementwise_backward(program(), c.function, src, dst, diff_dst, diff_src, count); });
    }
}

TEST_F(CountedTest, Dropout) {
  for (const int count : kCounts) {
    Buffer src = floats(count), dst = floats(count), mask = floats(count);
    for (const char* pass : {"forward", "backward"}) {
      expect(plan::dropout_costs(recipe(), count, false), pass, [&] {
        ops::dropout(program(), {1, 1U << 31, 2}, src, dst, count);
      });
      expect(plan::dropout_costs(recipe(), count, true), pass, [&] { ops::dropout(program(), mask, 2, src, dst, count); });
    }
  }
}

TEST_F(CountedTest, Eltwise) {
  using plan::EltwiseKind;
  const auto costs = [&](EltwiseKind kind, const std::vector<float>& coefficients, int count) {
    return plan::eltwise_costs(recipe(), kind, coefficients, count);
  };
  for (const int count : {1, 17, 4096, 5001})
    for (const std::vector<float>& c : std::vector<std::vector<float>>{{1, 1}, {0, 2}, {0, 0}, {1, -1, 3}, {1, 0, 1, 2}}) {
      const int sources = static_cast<int>(c.size());
      SCOPED_TRACE(std::to_string(sources) + " sources of " + std::to_string(count));
      std::vector<Buffer> buffers;
      for (int k = 0; k < sources; k++) buffers.push_back(floats(count));
      ops::Sources src;
      for (const Buffer& buffer : buffers) src.push_back(&buffer);
      Buffer dst = floats(count), winners = floats(count), diff_dst = floats(count), diff_src = floats(count);
      const auto to_all = [&](const std::function<void(int)>& backward) {
        for (int k = 0; k < sources; k++) backward(k);
      };
      const auto sum = costs(EltwiseKind::kSum, c, count), product = costs(EltwiseKind::kProduct, c, count),
                 quotient = costs(EltwiseKind::kQuotient, c, count), maximum = costs(EltwiseKind::kMaximum, c, count);
      expect(sum, "forward", [&] { ops::eltwise_sum(program(), src, c, dst, count); });
      expect(sum, "backward",
             [&] { to_all([&](int k) { ops::eltwise_sum_backward(program(), c[k], diff_dst, diff_src, count); }); });
      expect(product, "forward", [&] { ops::eltwise_product(program(), src, dst, count); });
      expect(product, "backward",
             [&] { to_all([&](int k) { ops::eltwise_product_backward(program(), src, k, diff_dst, diff_src, count); }); });
      expect(quotient, "forward", [&] { ops::eltwise_product(program(), src, dst, count); });
      expect(quotient, "backward",
             [&] { to_all([&](int k) { ops::eltwise_quotient_backward(program(), *src[k], dst, diff_dst, diff_src, count); }); });
      expect(maximum, "forward", [&] { ops::eltwise_maximum(program(), src, dst, winners, count); });
      expect(maximum, "backward",
             [&] { to_all([&](int k) { ops::eltwise_maximum_backward(program(), k, winners, diff_dst, diff_src, count); }); });
    }
}

std::vector<ops::ChannelShape> shapes_with_channels() {
  std::vector<ops::ChannelShape> all = channel_shapes();
  for (const ops::ChannelShape& more :
       {ops::ChannelShape{2, 3, 2800}, {7, 1, 1}, {9000, 1, 1}, {1000, 17, 1}, {3, 1, 4096}, {5, 2, 3}, {1, 40, 1000}})
    all.push_back(more);
  return all;
}

TEST_F(CountedTest, BatchNorm) {
  for (const ops::ChannelShape& s : shapes_with_channels()) {
    SCOPED_TRACE(describe(s));
    ops::BatchNorm op(program(), s, 1e-5F);
    Buffer src = floats(count(s)), dst = floats(count(s)), normalised = floats(count(s)), diff_src = floats(count(s));
    Buffer mean = floats(s.channels), variance = floats(s.channels), factor = floats(1);
    const ops::MovingStatistics moving = {mean, variance, factor};
    const auto batch = plan::batch_norm_costs(recipe(), s, false), global = plan::batch_norm_costs(recipe(), s, true);
    expect(batch, "forward", [&] { op.forward(src, moving, 0.9F, dst, normalised); });
    expect(batch, "backward", [&] { op.backward(normalised, dst, diff_src); });
    expect(global, "forward", [&] { op.forward_global(src, moving, dst); });
    expect(global, "backward", [&] { op.backward_global(dst, diff_src); });
  }
}

TEST_F(CountedTest, Scale) {
  for (const ops::ChannelShape& s : shapes_with_channels()) {
    Buffer src = floats(count(s)), dst = floats(count(s)), kept = floats(count(s));
    Buffer scale = floats(s.channels), bias = floats(s.channels), diff_scale = floats(s.channels), diff_bias = floats(s.channels);
    for (const plan::ScaleParts& parts : {plan::ScaleParts{true, true, false, true, true},
                                          {true, false, true, false, false},
                                          {false, true, false, false, true},
                                          {false, true, true, false, false}}) {
      SCOPED_TRACE(describe(s) + (parts.scale ? ", scale" : "") + (parts.bias ? ", bias" : ""));
      const Buffer* const scales = parts.scale ? &scale : nullptr;
      const auto costs = plan::scale_costs(recipe(), s, parts);
      expect(costs, "forward", [&] {
        ops::scale_forward(program(), s, src, scales, parts.bias ? &bias : nullptr, dst,
                           parts.scale && parts.in_place ? &kept : nullptr);
      });
      const ops::ChannelShape of_gradient = parts.scale ? s : ops::ChannelShape{1, 1, count(s)};
      if (parts.scale || !parts.in_place)
        expect(costs, "backward data", [&] { ops::scale_backward(program(), of_gradient, dst, scales, kept); });
      expect(costs, "backward weights", [&] {
        ops::scale_backward_parameters(program(), s, parts.scale ? &src : nullptr, dst,
                                       {parts.scale ? &diff_scale : nullptr, parts.adds_to_scale},
                                       {parts.bias ? &diff_bias : nullptr, parts.adds_to_bias});
      });
    }
  }
}

TEST_F(CountedTest, PReLU) {
  for (const ops::ChannelShape& c : shapes_with_channels())
    for (const bool shared : {false, true}) {
      SCOPED_TRACE(describe(c));
      const ops::PReLUShape s = {c.outer, c.channels, c.inner, shared};
      Buffer src = floats(count(c)), dst = floats(count(c)), slopes = floats(c.channels), diff = floats(count(c));
      Buffer diff_slopes = floats(c.channels);
      const auto costs = plan::prelu_costs(recipe(), s);
      expect(costs, "forward", [&] { ops::prelu_forward(program(), s, src, slopes, dst); });
      expect(costs, "backward data", [&] { ops::prelu_backward(program(), s, src, slopes, dst, diff); });
      expect(costs, "backward weights", [&] { ops::prelu_backward_slopes(program(), s, src, dst, diff_slopes); });
    }
}

TEST_F(CountedTest, SoftmaxAndAccuracy) {
  for (const ops::ClassAxis& axis : class_axes()) {
    SCOPED_TRACE(describe(axis));
    Buffer src = floats(values(axis)), dst = floats(values(axis)), diff = floats(values(axis)), labels = floats(axis.positions());
    Buffer loss = floats(1), weight = floats(1), per_class = floats(axis.classes);

    ops::Softmax softmax(program(), axis);
    expect(plan::softmax_costs(recipe(), axis), "forward", [&] { softmax.forward(src, dst); });
    expect(plan::softmax_costs(recipe(), axis), "backward", [&] { softmax.backward(dst, src, diff); });

    ops::SoftmaxLoss with_loss(program(), axis, std::nullopt, std::nullopt);
    expect(plan::softmax_loss_costs(recipe(), axis), "forward", [&] { with_loss.forward(src, labels, dst, loss); });
    expect(plan::softmax_loss_costs(recipe(), axis), "backward", [&] { with_loss.backward(dst, labels, weight, diff); });

    ops::Accuracy accuracy(program(), axis, 1, std::nullopt);
    expect(plan::accuracy_costs(recipe(), axis, false), "forward", [&] { accuracy.forward(src, labels, loss); });
    expect(plan::accuracy_costs(recipe(), axis, true), "forward", [&] { accuracy.forward(src, labels, loss, &per_class); });
  }
}

TEST_F(CountedTest, LossesOfElements) {
  for (const int count : kCounts) {
    SCOPED_TRACE(count);
    Buffer src = floats(count), target = floats(count), dst = floats(count), diff = floats(count), loss = floats(1),
           weight = floats(1);

    ops::EuclideanLoss euclidean(program(), count, 1);
    const auto of_euclidean = plan::loss_costs(plan::plan_euclidean_loss(recipe(), count, 1));
    expect(of_euclidean, "forward", [&] { euclidean.forward(src, target, dst, loss); });
    expect(of_euclidean, "backward", [&] { euclidean.backward(dst, weight, 1, diff); });

    ops::SigmoidCrossEntropyLoss sigmoid(program(), count, std::nullopt, std::nullopt);
    const auto of_sigmoid = plan::loss_costs(plan::plan_sigmoid_cross_entropy_loss(recipe(), count));
    expect(of_sigmoid, "forward", [&] { sigmoid.forward(src, target, dst, loss); });
    expect(of_sigmoid, "backward", [&] { sigmoid.backward(dst, target, weight, diff); });
  }
}

TEST_F(CountedTest, ConcatSliceAndSplit) {
  const std::vector<std::vector<int>> all_runs = {{1, 1}, {16, 32}, {17, 3, 33}, {1000, 24}, {5}};
  for (const std::vector<int>& runs : all_runs)
    for (const int rows : {1, 3, 64}) {
      int row = 0;
      std::vector<Buffer> parts;
      for (const int run : runs) parts.push_back(floats(std::size_t(run) * rows)), row += run;
      std::vector<const Buffer*> sources;
      std::vector<Buffer*> results;
      for (Buffer& part : parts) sources.push_back(&part), results.push_back(&part);
      Buffer whole = floats(std::size_t(row) * rows);
      const auto concat = plan::concat_costs(recipe(), runs, rows), slice = plan::slice_costs(recipe(), runs, rows);
      expect(concat, "forward", [&] { ops::concat(program(), sources, runs, rows, whole); });
      expect(concat, "backward", [&] { ops::slice(program(), whole, runs, rows, results); });
      expect(slice, "forward", [&] { ops::slice(program(), whole, runs, rows, results); });
      expect(slice, "backward", [&] { ops::concat(program(), sources, runs, rows, whole); });
    }
  for (const int count : kCounts)
    for (const int readers : {1, 2, 4}) {
      std::vector<Buffer> diffs;
      for (int i = 0; i < readers; i++) diffs.push_back(floats(count));
      std::vector<const Buffer*> sources;
      for (const Buffer& diff : diffs) sources.push_back(&diff);
      Buffer sum = floats(count);
      expect(plan::split_costs(recipe(), readers, count), "backward", [&] { ops::split_backward(program(), sources, sum, count); });
    }
}

TEST_F(CountedTest, SolverUpdate) {
  for (const int method : {SOLVER_SGD, SOLVER_NESTEROV, SOLVER_ADAGRAD, SOLVER_RMSPROP, SOLVER_ADADELTA, SOLVER_ADAM})
    for (const int count : kCounts)
      for (const bool clips : {false, true}) {
        SCOPED_TRACE("method " + std::to_string(method) + " of " + std::to_string(count));
        solver_rule rule = {};
        rule.method = method;
        rule.scale = 1;
        rule.largest_norm = clips ? 1 : -1;
        rule.keep = rule.keep_squares = 0.9F;
        rule.rate = rule.delta = 0.1F;
        Buffer weights = floats(count), diff = floats(count), first = floats(count), second = floats(count), norm = floats(1);
        expect(plan::update_costs(recipe(), method, count, clips), "update", [&] {
          if (clips) ops::add_squared_norm(program(), diff, norm, true, count);
          ops::solver_update(program(), rule, weights, diff, first, &second, clips ? &norm : nullptr, count);
        });
      }
}

}  // namespace
}  // namespace barista::testing
