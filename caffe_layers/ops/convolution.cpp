#include "ops/convolution.hpp"

#include <optional>
#include <vector>

#include "ops/depthwise.hpp"
#include "ops/outputs_pass.hpp"
#include "ops/packed_weights.hpp"
#include "ops/weights_pass.hpp"
#include "plan/convolution_plan.hpp"

namespace barista::ops {

// Either passes on the PE array, or depthwise ones.
struct Convolution::Impl {
  Impl(device::Program& with, const ConvolutionShape& shape) : program(with), s(shape), packed(program) {
    plan::check_output(shape);
    if (plan::is_depthwise(shape)) {
      depthwise.emplace(program, shape);
    } else {
      grid = plan::plan_convolution(program.recipe(), shape);
    }
  }

  device::Program& program;
  ConvolutionShape s;
  std::optional<Depthwise> depthwise;
  plan::ConvolutionPlan grid;
  PackedWeights packed;
  std::optional<OutputsPass> forward, data;
  std::optional<WeightsPass> weights;
};

Convolution::Convolution(device::Program& program, const ConvolutionShape& shape) : impl_(new Impl(program, shape)) {}

Convolution::~Convolution() = default;

void Convolution::forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias,
                          device::Buffer& dst) {
  Impl& impl = *impl_;
  if (impl.depthwise) return impl.depthwise->forward(src, weights, bias, dst);
  if (!impl.forward) impl.forward.emplace(impl.program, std::vector<plan::PassPlan>{impl.grid.forward}, impl.packed);
  impl.forward->run(src, weights, bias, dst);
}

void Convolution::backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src,
                                const device::Buffer* bias) {
  Impl& impl = *impl_;
  if (impl.depthwise) return impl.depthwise->backward_data(diff_dst, weights, diff_src, bias);
  if (!impl.data) impl.data.emplace(impl.program, impl.grid.data, impl.packed);
  impl.data->run(diff_dst, weights, bias, diff_src);
}

void Convolution::backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                                   device::Buffer* diff_bias) {
  const ConvolutionShape& s = impl_->s;
  if (diff_bias == nullptr) return backward_weights(src, diff_dst, diff_weights, static_cast<const BiasGradient*>(nullptr));
  const BiasGradient bias = {diff_dst, *diff_bias, s.N, s.O, s.P() * s.Q()};
  backward_weights(src, diff_dst, diff_weights, &bias);
}

void Convolution::backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                                   const BiasGradient* bias) {
  Impl& impl = *impl_;
  if (impl.depthwise) {
    impl.depthwise->backward_weights(src, diff_dst, diff_weights);
    if (bias != nullptr) bias_gradient(impl.program, *bias);
    return;
  }
  if (!impl.weights) impl.weights.emplace(impl.program, impl.grid.weights);
  impl.weights->run(src, diff_dst, diff_weights, bias);
}

void Convolution::backward_bias(const device::Buffer& diff_dst, device::Buffer& diff_bias) {
  const ConvolutionShape& s = impl_->s;
  bias_gradient(impl_->program, {diff_dst, diff_bias, s.N, s.O, s.P() * s.Q()});
}

}  // namespace barista::ops
