#include "ops/inner_product.hpp"

#include <optional>
#include <vector>

#include "ops/outputs_pass.hpp"
#include "ops/packed_weights.hpp"
#include "ops/parameter_gradients.hpp"
#include "ops/weights_pass.hpp"
#include "plan/inner_product_plan.hpp"

namespace barista::ops {

struct InnerProduct::Impl {
  Impl(device::Program& with, const InnerProductShape& shape)
      : program(with), s(shape), grid(plan::plan_inner_product(program.recipe(), shape)), packed(program) {}

  OutputsPass& ready(std::optional<OutputsPass>& pass, const plan::PassPlan& pass_plan) {
    if (!pass) pass.emplace(program, std::vector<plan::PassPlan>{pass_plan}, packed);
    return *pass;
  }

  device::Program& program;
  InnerProductShape s;
  plan::InnerProductPlan grid;
  PackedWeights packed;
  std::optional<OutputsPass> forward, data;
  std::optional<WeightsPass> weights;
};

InnerProduct::InnerProduct(device::Program& program, const InnerProductShape& shape) : impl_(new Impl(program, shape)) {}

InnerProduct::~InnerProduct() = default;

void InnerProduct::forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias,
                           device::Buffer& dst) {
  impl_->ready(impl_->forward, impl_->grid.forward).run(src, weights, bias, dst);
}

void InnerProduct::backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src) {
  impl_->ready(impl_->data, impl_->grid.data).run(diff_dst, weights, nullptr, diff_src);
}

void InnerProduct::backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                                    device::Buffer* diff_bias) {
  Impl& impl = *impl_;
  if (!impl.weights) impl.weights.emplace(impl.program, impl.grid.weights);
  const bool transpose = impl.s.transpose;
  impl.weights->run(transpose ? src : diff_dst, transpose ? diff_dst : src, diff_weights, nullptr);
  if (diff_bias != nullptr) backward_bias(diff_dst, *diff_bias);
}

void InnerProduct::backward_bias(const device::Buffer& diff_dst, device::Buffer& diff_bias) {
  bias_gradient(impl_->program, {diff_dst, diff_bias, impl_->s.N, impl_->s.O, 1});
}

}  // namespace barista::ops
