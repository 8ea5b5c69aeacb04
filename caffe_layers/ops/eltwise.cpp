#include "ops/eltwise.hpp"

#include "ops/elementwise.hpp"

namespace barista::ops {
namespace {

elementwise_function function(int which, float scale = 1, float shift = 0) {
  elementwise_function f = {};
  f.function = which;
  f.scale = scale;
  f.shift = shift;
  return f;
}

}  // namespace

void eltwise_sum(device::Program& program, const Sources& src, const std::vector<float>& coefficients, device::Buffer& dst,
                 int count) {
  // A source of coefficient 0 is left out, whatever it holds, as BLAS does.
  std::vector<std::size_t> terms;
  for (std::size_t k = 0; k < src.size(); k++)
    if (coefficients[k] != 0) terms.push_back(k);
  if (terms.empty()) return launch_elementwise(program, function(ELEMENTWISE_CONSTANT), {}, dst, count);
  const auto coefficient = [&](std::size_t term) { return coefficients[terms[term]]; };
  const auto source = [&](std::size_t term) { return src[terms[term]]; };
  if (terms.size() == 1) return launch_elementwise(program, function(ELEMENTWISE_AFFINE, coefficient(0)), {source(0)}, dst, count);
  launch_elementwise(program, function(ELEMENTWISE_SUM, coefficient(0), coefficient(1)), {source(0), source(1)}, dst, count);
  for (std::size_t k = 2; k < terms.size(); k++)
    launch_elementwise(program, function(ELEMENTWISE_SUM, coefficient(k), 1), {source(k), &dst}, dst, count);
}

void eltwise_product(device::Program& program, const Sources& src, device::Buffer& dst, int count) {
  launch_elementwise(program, function(ELEMENTWISE_PRODUCT), {src[0], src[1]}, dst, count);
  for (std::size_t k = 2; k < src.size(); k++)
    launch_elementwise(program, function(ELEMENTWISE_PRODUCT), {src[k], &dst}, dst, count);
}

// Winners first: they are found in what dst is without the source at hand.
void eltwise_maximum(device::Program& program, const Sources& src, device::Buffer& dst, device::Buffer& winners, int count) {
  launch_elementwise(program, function(ELEMENTWISE_LARGER, 0, 1), {src[0], src[1]}, winners, count);
  launch_elementwise(program, function(ELEMENTWISE_MAXIMUM), {src[0], src[1]}, dst, count);
  for (std::size_t k = 2; k < src.size(); k++) {
    launch_elementwise(program, function(ELEMENTWISE_WINNER, static_cast<float>(k)), {src[k], &dst, &winners}, winners, count);
    launch_elementwise(program, function(ELEMENTWISE_MAXIMUM), {src[k], &dst}, dst, count);
  }
}

void eltwise_sum_backward(device::Program& program, float coefficient, const device::Buffer& diff_dst, device::Buffer& diff_src,
                          int count) {
  launch_elementwise(program, function(ELEMENTWISE_AFFINE, coefficient), {&diff_dst}, diff_src, count);
}

void eltwise_product_backward(device::Program& program, const Sources& src, int k, const device::Buffer& diff_dst,
                              device::Buffer& diff_src, int count) {
  const device::Buffer* product = nullptr;  // of the others so far
  for (int j = 0; j < static_cast<int>(src.size()); j++) {
    if (j == k) continue;
    if (product != nullptr) launch_elementwise(program, function(ELEMENTWISE_PRODUCT), {src[j], product}, diff_src, count);
    product = product == nullptr ? src[j] : &diff_src;
  }
  launch_elementwise(program, function(ELEMENTWISE_PRODUCT), {product, &diff_dst}, diff_src, count);
}

void eltwise_quotient_backward(device::Program& program, const device::Buffer& src, const device::Buffer& dst,
                               const device::Buffer& diff_dst, device::Buffer& diff_src, int count) {
  launch_elementwise(program, function(ELEMENTWISE_QUOTIENT), {&src, &dst, &diff_dst}, diff_src, count);
}

void eltwise_maximum_backward(device::Program& program, int k, const device::Buffer& winners, const device::Buffer& diff_dst,
                              device::Buffer& diff_src, int count) {
  launch_elementwise(program, function(ELEMENTWISE_WON, static_cast<float>(k)), {&winners, nullptr, &diff_dst}, diff_src, count);
}

}  // namespace barista::ops
