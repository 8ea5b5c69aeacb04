#include "ops/inner_product.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "ops/multiply.hpp"

namespace barista::ops {
namespace {

// src [images][inputs] seen as a convolution whose kernel covers the image: ceil(inputs / width) channels of one row of `width`
// floats. A lane then reads runs of `width` floats.
Contraction covering(bool weights_pass, int images, int inputs, int outputs, int width) {
  Contraction c = {};
  c.weights_pass = weights_pass;
  c.images = images;
  c.groups = 1;
  c.channels = (inputs + width - 1) / width;
  c.columns = outputs;
  c.image_stride = c.image_floats = inputs;
  c.height = {1, 1, 1, 0, 1, 1, 1, 0, 1};
  c.width = {width, 1, width, 0, 1, 1, 1, 0, 1};
  return c;
}

// The width of which the plan costs least.
Contraction best_covering(const device::Recipe& recipe, bool weights_pass, int images, int inputs, int outputs) {
  Contraction best = covering(weights_pass, images, inputs, outputs, 1);
  double cycles = plan(recipe, best).cycles;
  for (int width = recipe.load_words; width <= std::min(inputs, recipe.x_words); width *= 2) {
    const Contraction candidate = covering(weights_pass, images, inputs, outputs, width);
    const double candidate_cycles = plan(recipe, candidate).cycles;
    if (candidate_cycles < cycles) {
      best = candidate;
      cycles = candidate_cycles;
    }
  }
  return best;
}

RawLayout layout(const Contraction& c, int inputs, int column, int element) {
  std::vector<int> taps(c.width.taps);
  std::iota(taps.begin(), taps.end(), 0);
  return {0, column, 0, element, 1, inputs, 1, c.width.taps, {0}, taps};
}

}  // namespace

struct InnerProduct::Impl {
  device::DeviceManager& manager;
  InnerProductShape s;
  std::optional<MultiplyPass> forward, data, weights;

  // Strides of weights [O][K], or [K][O] where transposed.
  int output_stride() const { return s.transpose ? 1 : s.K; }
  int input_stride() const { return s.transpose ? s.O : 1; }
};

InnerProduct::InnerProduct(device::DeviceManager& manager, const InnerProductShape& shape)
    : impl_(new Impl{manager, shape, {}, {}, {}}) {}

InnerProduct::~InnerProduct() = default;

void InnerProduct::forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias,
                           device::Buffer& dst) {
  const InnerProductShape& s = impl_->s;
  if (!impl_->forward) {
    Contraction c = best_covering(impl_->manager.recipe(), false, s.N, s.K, s.O);
    c.bias = bias != nullptr;
    impl_->forward.emplace(impl_->manager, c, layout(c, s.K, impl_->output_stride(), impl_->input_stride()));
  }
  impl_->forward->outputs(src, weights, bias, dst);
}

void InnerProduct::backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src) {
  const InnerProductShape& s = impl_->s;
  if (!impl_->data) {
    const Contraction c = best_covering(impl_->manager.recipe(), false, s.N, s.O, s.K);
    impl_->data.emplace(impl_->manager, c, layout(c, s.O, impl_->input_stride(), impl_->output_stride()));
  }
  impl_->data->outputs(diff_dst, weights, nullptr, diff_src);
}

void InnerProduct::backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights) {
  const InnerProductShape& s = impl_->s;
  if (!impl_->weights) {
    const Contraction c = best_covering(impl_->manager.recipe(), true, s.N, s.K, s.O);
    impl_->weights.emplace(impl_->manager, c, layout(c, s.K, impl_->output_stride(), impl_->input_stride()));
  }
  impl_->weights->weights(src, diff_dst, diff_weights);
}

void InnerProduct::backward_bias(const device::Buffer& diff_dst, device::Buffer& diff_bias) {
  bias_gradient(impl_->manager, diff_dst, diff_bias, impl_->s.N, impl_->s.O, 1);
}

std::vector<NamedPlan> plans(const device::Recipe& recipe, const InnerProductShape& s) {
  return {{"forward", plan(recipe, best_covering(recipe, false, s.N, s.K, s.O))},
          {"weights", plan(recipe, best_covering(recipe, true, s.N, s.K, s.O))},
          {"data", plan(recipe, best_covering(recipe, false, s.N, s.O, s.K))}};
}

}  // namespace barista::ops
