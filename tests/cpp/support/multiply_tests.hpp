// The properties that convolution and inner product share, as checks over one problem.
#ifndef BARISTA_TESTS_SUPPORT_MULTIPLY_TESTS_HPP_
#define BARISTA_TESTS_SUPPORT_MULTIPLY_TESTS_HPP_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "ops/elementwise.hpp"
#include "support/canaried_buffer.hpp"
#include "support/integers.hpp"
#include "support/reference_multiply.hpp"

namespace barista::testing {

inline void expect_equal(const std::vector<float>& actual, const std::vector<double>& expected, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t i = 0; i < actual.size(); i++)
    ASSERT_EQ(actual[i], expected[i]) << what << " at " << i << " of " << actual.size();
}

// A gradient that was cleared: exactly as large as it has to be, and full of what must not be read.
inline device::Buffer cleared(device::Program& program, std::size_t count) {
  const std::vector<float> nothing(count, std::numeric_limits<float>::quiet_NaN());
  device::Buffer buffer = program.device().allocate(count * sizeof(float));
  program.device().upload(buffer, nothing.data(), count * sizeof(float));
  program.device().zero(buffer);
  return buffer;
}

inline std::vector<float> downloaded(device::Program& program, const device::Buffer& buffer) {
  std::vector<float> values(buffer.bytes() / sizeof(float));
  program.device().download(buffer, values.data(), buffer.bytes());
  return values;
}

// All passes against the formula, on integers, compared exactly; gradients of parameters add to what was there, or to nothing.
template <typename Operation, typename Shape>
void check_against_formula(device::Program& program, const Shape& shape) {
  const Sizes size = sizes(shape);
  const std::vector<float> src = integers(size.src, 1), weights = integers(size.weights, 2), bias = integers(size.outputs, 3),
                           diff_dst = integers(size.dst, 4), diff_weights = integers(size.weights, 5),
                           diff_bias = integers(size.outputs, 6);
  std::vector<double> dst(size.dst), unbiased(size.dst), diff_src(size.src), sum_weights(diff_weights.begin(), diff_weights.end()),
      sum_bias(diff_bias.begin(), diff_bias.end());
  for_each_product(shape, [&](std::size_t s, std::size_t w, std::size_t d) {
    unbiased[d] += double(src[s]) * weights[w];
    diff_src[s] += double(diff_dst[d]) * weights[w];
    sum_weights[w] += double(diff_dst[d]) * src[s];
  });
  for (std::size_t d = 0; d < size.dst; d++) {
    const std::size_t output = d / size.plane % size.outputs;
    dst[d] = unbiased[d] + bias[output];
    sum_bias[output] += diff_dst[d];
  }

  const CanariedBuffer device_src(program.device(), src), device_weights(program.device(), weights),
      device_bias(program.device(), bias), device_diff_dst(program.device(), diff_dst);
  CanariedBuffer device_dst(program.device(), size.dst), device_unbiased(program.device(), size.dst),
      device_diff_src(program.device(), size.src), device_diff_weights(program.device(), diff_weights),
      device_diff_bias(program.device(), diff_bias);
  Operation operation(program, shape), without_bias(program, shape);
  operation.forward(device_src, device_weights, &static_cast<const device::Buffer&>(device_bias), device_dst);
  without_bias.forward(device_src, device_weights, nullptr, device_unbiased);
  operation.backward_data(device_diff_dst, device_weights, device_diff_src);
  operation.backward_weights(device_src, device_diff_dst, device_diff_weights);
  operation.backward_bias(device_diff_dst, device_diff_bias);

  device::Buffer over_zeros = cleared(program, size.weights), bias_over_zeros = cleared(program, size.outputs);
  operation.backward_weights(device_src, device_diff_dst, over_zeros, &bias_over_zeros);
  std::vector<float> again = downloaded(program, over_zeros), bias_again = downloaded(program, bias_over_zeros);
  for (std::size_t i = 0; i < again.size(); i++) again[i] += diff_weights[i];
  for (std::size_t i = 0; i < bias_again.size(); i++) bias_again[i] += diff_bias[i];
  expect_equal(again, sum_weights, "diff_weights over zeros");
  expect_equal(bias_again, sum_bias, "diff_bias over zeros");

  expect_equal(device_dst.download(), dst, "dst");
  expect_equal(device_unbiased.download(), unbiased, "dst without bias");
  expect_equal(device_diff_src.download(), diff_src, "diff_src");
  expect_equal(device_diff_weights.download(), sum_weights, "diff_weights");
  expect_equal(device_diff_bias.download(), sum_bias, "diff_bias");
  expect_equal(device_src.download(), {src.begin(), src.end()}, "src");
  expect_equal(device_weights.download(), {weights.begin(), weights.end()}, "weights");
}

// One NaN is as good as another.
inline void expect_same_bits(const std::vector<float>& found, const std::vector<float>& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t i = 0; i < found.size(); i++)
    ASSERT_TRUE((std::isnan(found[i]) && std::isnan(expected[i])) || std::memcmp(&found[i], &expected[i], sizeof(float)) == 0)
        << what << " at " << i << ": " << found[i] << ", it must be " << expected[i];
}

// Rectified in place by what follows: without a launch of its own while nobody has looked, and by one afterwards; the same bits.
template <typename Operation, typename Shape>
void check_rectifies_in_the_store(device::Program& program, const Shape& shape) {
  const Sizes size = sizes(shape);
  std::vector<float> values = integers(size.src, 1);
  values.front() = std::numeric_limits<float>::quiet_NaN();
  values.back() = std::numeric_limits<float>::infinity();
  const CanariedBuffer src(program.device(), values), weights(program.device(), integers(size.weights, 2)),
      bias(program.device(), integers(size.outputs, 3));
  CanariedBuffer dst(program.device(), size.dst);
  Operation operation(program, shape);
  const auto forward = [&] { operation.forward(src, weights, &static_cast<const device::Buffer&>(bias), dst); };
  const auto rectified = [&] {
    ops::elementwise_forward(program, ops::relu(0), dst, dst, static_cast<int>(size.dst));
    return dst.download();
  };
  const auto launches = [&](const std::function<void()>& work) {
    const std::uint64_t before = program.device().counters().launches;
    work();
    program.device().finish();
    return program.device().counters().launches - before;
  };

  forward();
  const std::vector<float> plain = dst.download();
  std::vector<float> expected = plain, found;
  for (float& value : expected) value = std::max(value, 0.0F) + 0 * std::min(value, 0.0F);  // as stock Caffe
  ASSERT_NE(std::memcmp(plain.data(), expected.data(), plain.size() * sizeof(float)), 0) << "nothing is below zero";
  ASSERT_GT(launches([&] { found = rectified(); }), 0U);
  expect_same_bits(found, expected, "rectified after it was looked at");

  const std::uint64_t alone = launches(forward);
  ASSERT_EQ(launches([&] {
              forward();
              found = rectified();
            }),
            alone)
      << "launches";
  expect_same_bits(found, expected, "rectified in the store");
  forward();
  expect_same_bits(dst.download(), plain, "the next run of the pass");
}

// Numbers whose sums round, so that another order of additions shows in the last bits.
inline std::vector<float> rounding_numbers(std::size_t count, std::uint32_t seed) {
  std::vector<float> values = integers(count, seed, -1000, 1000);
  for (float& value : values) value /= 997;
  return values;
}

template <typename Operation, typename Shape>
void check_same_bits(device::Program& program, const Shape& shape) {
  const Sizes size = sizes(shape);
  const CanariedBuffer src(program.device(), rounding_numbers(size.src, 1)),
      weights(program.device(), rounding_numbers(size.weights, 2)), diff_dst(program.device(), rounding_numbers(size.dst, 3));
  std::vector<std::vector<float>> first;
  for (int run = 0; run < 5; run++) {
    CanariedBuffer dst(program.device(), size.dst), diff_src(program.device(), size.src),
        diff_weights(program.device(), std::vector<float>(size.weights)),
        diff_bias(program.device(), std::vector<float>(size.outputs));
    Operation operation(program, shape);
    operation.forward(src, weights, nullptr, dst);
    operation.backward_data(diff_dst, weights, diff_src);
    operation.backward_weights(src, diff_dst, diff_weights);
    operation.backward_bias(diff_dst, diff_bias);
    std::vector<std::vector<float>> results = {dst.download(), diff_src.download(), diff_weights.download(), diff_bias.download()};
    if (run == 0) first = results;
    for (std::size_t i = 0; i < results.size(); i++)
      ASSERT_EQ(std::memcmp(results[i].data(), first[i].data(), first[i].size() * sizeof(float)), 0)
          << "run " << run << ", result " << i;
  }
}

// Packed weights are kept between calls: they must follow when the raw ones change.
template <typename Operation, typename Shape>
void check_follows_weights(device::Program& program, const Shape& shape) {
  const Sizes size = sizes(shape);
  const std::vector<float> src = integers(size.src, 1);
  const CanariedBuffer device_src(program.device(), src);
  CanariedBuffer weights(program.device(), integers(size.weights, 2));
  Operation operation(program, shape);
  for (std::uint32_t seed : {7U, 8U}) {
    const std::vector<float> values = integers(size.weights, seed);
    weights.upload(values);
    std::vector<double> expected(size.dst);
    for_each_product(shape, [&](std::size_t s, std::size_t w, std::size_t d) { expected[d] += double(src[s]) * values[w]; });
    for (int again = 0; again < 2; again++) {
      CanariedBuffer dst(program.device(), size.dst);
      operation.forward(device_src, weights, nullptr, dst);
      expect_equal(dst.download(), expected, "dst");
    }
  }
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_MULTIPLY_TESTS_HPP_
