#include "ops/eltwise.hpp"

#include "ops/elementwise.hpp"
#include "plan/eltwise.hpp"

namespace barista::ops {
namespace {

// The buffers of a pass; those that it has no use for are null.
struct Buffers {
  Sources src;
  device::Buffer* result;
  device::Buffer* winners = nullptr;
  const device::Buffer* kept = nullptr;  // dst, or what forward wrote to winners, of a backward pass
  const device::Buffer* diff_dst = nullptr;

  const device::Buffer* read(int blob) const {
    switch (blob) {
      case plan::kEltwiseNone:
        return nullptr;
      case plan::kEltwiseResult:
        return result;
      case plan::kEltwiseWinners:
        return winners != nullptr ? winners : kept;
      case plan::kEltwiseDst:
        return kept;
      case plan::kEltwiseDiffDst:
        return diff_dst;
      default:
        return src[blob];
    }
  }
};

void run(device::Program& program, const plan::EltwiseSteps& steps, const Buffers& buffers, int count) {
  for (const plan::EltwiseStep& step : steps) {
    elementwise_function f = {};
    f.function = step.function;
    f.scale = step.scale;
    f.shift = step.shift;
    launch_elementwise(program, f, {buffers.read(step.a), buffers.read(step.b), buffers.read(step.c)},
                       step.result == plan::kEltwiseWinners ? *buffers.winners : *buffers.result, count);
  }
}

}  // namespace

void eltwise_sum(device::Program& program, const Sources& src, const std::vector<float>& coefficients, device::Buffer& dst,
                 int count) {
  run(program, plan::eltwise_sum(coefficients), {src, &dst}, count);
}

void eltwise_product(device::Program& program, const Sources& src, device::Buffer& dst, int count) {
  run(program, plan::eltwise_product(static_cast<int>(src.size())), {src, &dst}, count);
}

void eltwise_maximum(device::Program& program, const Sources& src, device::Buffer& dst, device::Buffer& winners, int count) {
  run(program, plan::eltwise_maximum(static_cast<int>(src.size())), {src, &dst, &winners}, count);
}

void eltwise_sum_backward(device::Program& program, float coefficient, const device::Buffer& diff_dst, device::Buffer& diff_src,
                          int count) {
  run(program, plan::eltwise_sum_backward(coefficient), {{}, &diff_src, nullptr, nullptr, &diff_dst}, count);
}

void eltwise_product_backward(device::Program& program, const Sources& src, int k, const device::Buffer& diff_dst,
                              device::Buffer& diff_src, int count) {
  run(program, plan::eltwise_product_backward(static_cast<int>(src.size()), k), {src, &diff_src, nullptr, nullptr, &diff_dst},
      count);
}

void eltwise_quotient_backward(device::Program& program, const device::Buffer& src, const device::Buffer& dst,
                               const device::Buffer& diff_dst, device::Buffer& diff_src, int count) {
  run(program, plan::eltwise_quotient_backward(0), {{&src}, &diff_src, nullptr, &dst, &diff_dst}, count);
}

void eltwise_maximum_backward(device::Program& program, int k, const device::Buffer& winners, const device::Buffer& diff_dst,
                              device::Buffer& diff_src, int count) {
  run(program, plan::eltwise_maximum_backward(k), {{}, &diff_src, nullptr, &winners, &diff_dst}, count);
}

}  // namespace barista::ops
