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
Contraction covering(const Contraction& kind, int inputs, int width) {
  Contraction c = kind;
  c.groups = 1;
  c.channels = (inputs + width - 1) / width;
  c.image_stride = c.image_floats = inputs;
  c.height = {1, 1, 1, 0, 1, 1, 1, 0, 1};
  c.width = {width, 1, width, 0, 1, 1, 1, 0, 1};
  return c;
}

// Rows of raw weights lie far apart, so that a shorter run of one would fetch the same line of memory again and again.
constexpr int kBurst = 64;

// The width of which the plan costs least. `kind` has all but what the width decides. Short sums are of width 1: then they are added up
// in one order whichever matrix takes which place, and Caffe's own tests hold transposed weights to the others' results bit by bit.
Contraction best_covering(const device::Recipe& recipe, const Contraction& kind, int inputs) {
  if (!kind.weights_pass && inputs <= kBurst) return covering(kind, inputs, 1);
  const int least = kind.turned ? kBurst : 1;
  Contraction best = covering(kind, inputs, least);
  double cycles = plan(recipe, best).cycles;
  for (int width = std::max(least, recipe.load_words); width <= std::min(inputs, recipe.x_words); width *= 2) {
    const Contraction candidate = covering(kind, inputs, width);
    const double candidate_cycles = plan(recipe, candidate).cycles;
    if (candidate_cycles < cycles) {
      best = candidate;
      cycles = candidate_cycles;
    }
  }
  return best;
}

// The three passes. In each, one of the two matrices at hand has the numbers side by side that the grid takes sixteen at a time, and
// is used where it lies; if that is not the weights, weights and images change places. What is packed is never larger than a batch.
//
//   sum over  side by side          x                 16 at a time          result
//   K         weights [K][O]        src [N][K]        weights, outputs      dst [N][O]
//   K         weights [O][K]        weights [O][K]    src, packed, images   dst [N][O], turned
//   O         weights [O][K]        diff_dst [N][O]   weights, inputs       diff_src [N][K]
//   O         weights [K][O]        weights [K][O]    diff_dst, packed      diff_src [N][K], turned
//   N         always                the other one     src or diff_dst       diff_weights, as the weights lie
Contraction outputs_pass(const device::Recipe& recipe, int images, int sum, int outputs, bool side_by_side, bool bias) {
  Contraction kind = {};
  kind.images = side_by_side ? images : outputs;
  kind.columns = side_by_side ? outputs : images;
  kind.bias = bias;
  kind.raw_rows = side_by_side ? sum : 0;
  kind.turned = !side_by_side;
  return best_covering(recipe, kind, sum);
}

Contraction forward_pass(const device::Recipe& recipe, const InnerProductShape& s, bool bias) {
  return outputs_pass(recipe, s.N, s.K, s.O, s.transpose, bias);
}

Contraction data_pass(const device::Recipe& recipe, const InnerProductShape& s) {
  return outputs_pass(recipe, s.N, s.O, s.K, !s.transpose, false);
}

// Gradients lie as the weights: the rows are the lanes, what lies side by side are the columns.
Contraction weights_pass(const device::Recipe& recipe, const InnerProductShape& s) {
  Contraction kind = {};
  kind.weights_pass = true;
  kind.images = s.N;
  kind.raw_rows = s.transpose ? s.K : s.O;
  kind.columns = s.transpose ? s.O : s.K;
  return best_covering(recipe, kind, kind.raw_rows);
}

// Of what is packed in place of weights, [columns][inputs].
RawLayout layout(const Contraction& c, int inputs) {
  std::vector<int> taps(c.width.taps);
  std::iota(taps.begin(), taps.end(), 0);
  return {0, inputs, 0, 1, inputs, 1, c.width.taps, {0}, taps};
}

// dst [outputs] = sum over `images` [images] and `weights`, whichever of them takes the place of the other.
void run(MultiplyPass& pass, bool turned, const device::Buffer& images, const device::Buffer& weights, const device::Buffer* bias,
         device::Buffer& dst) {
  if (turned) return pass.outputs(weights, images, bias, dst);
  pass.outputs(images, weights, bias, dst);
}

}  // namespace

struct InnerProduct::Impl {
  device::DeviceManager& manager;
  InnerProductShape s;
  std::optional<MultiplyPass> forward, data, weights;
};

InnerProduct::InnerProduct(device::DeviceManager& manager, const InnerProductShape& shape)
    : impl_(new Impl{manager, shape, {}, {}, {}}) {}

InnerProduct::~InnerProduct() = default;

void InnerProduct::forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias,
                           device::Buffer& dst) {
  const InnerProductShape& s = impl_->s;
  if (!impl_->forward) {
    const Contraction c = forward_pass(impl_->manager.recipe(), s, bias != nullptr);
    impl_->forward.emplace(impl_->manager, c, layout(c, s.K));
  }
  run(*impl_->forward, !s.transpose, src, weights, bias, dst);
}

void InnerProduct::backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src) {
  const InnerProductShape& s = impl_->s;
  if (!impl_->data) {
    const Contraction c = data_pass(impl_->manager.recipe(), s);
    impl_->data.emplace(impl_->manager, c, layout(c, s.O));
  }
  run(*impl_->data, s.transpose, diff_dst, weights, nullptr, diff_src);
}

void InnerProduct::backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights) {
  const InnerProductShape& s = impl_->s;
  if (!impl_->weights) {
    const Contraction c = weights_pass(impl_->manager.recipe(), s);
    impl_->weights.emplace(impl_->manager, c, layout(c, c.raw_rows));
  }
  impl_->weights->weights(s.transpose ? src : diff_dst, s.transpose ? diff_dst : src, diff_weights);
}

void InnerProduct::backward_bias(const device::Buffer& diff_dst, device::Buffer& diff_bias) {
  bias_gradient(impl_->manager, diff_dst, diff_bias, impl_->s.N, impl_->s.O, 1);
}

std::vector<NamedPlan> plans(const device::Recipe& recipe, const InnerProductShape& s) {
  return {{"forward", plan(recipe, forward_pass(recipe, s, true))},
          {"weights", plan(recipe, weights_pass(recipe, s))},
          {"data", plan(recipe, data_pass(recipe, s))}};
}

}  // namespace barista::ops
