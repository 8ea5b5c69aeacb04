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

// Columns of raw weights lie far apart, so that a shorter run of one would fetch the same line of memory again and again. A longer one
// leaves room for fewer columns on chip.
constexpr int kBurst = 32;
constexpr int kShort = 64;

// The width of which the plan costs least.
Contraction best_covering(const device::Recipe& recipe, const Contraction& kind, int inputs, int least) {
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

// dst [images][outputs] = sum over src [images][sum] and weights, which lie as [sum][outputs] where `side_by_side`, else as
// [outputs][sum]. Short sums are of width 1: then they are added up in one order however weights lie, and Caffe's own tests hold
// transposed weights to the others' results bit by bit. What is packed for that is small.
Contraction outputs_pass(const device::Recipe& recipe, int images, int sum, int outputs, bool side_by_side) {
  Contraction kind = {};
  kind.images = images;
  kind.columns = outputs;
  const bool is_short = sum <= kShort;
  if (side_by_side || !is_short) {
    kind.raw = side_by_side ? RawWeights::kRows : RawWeights::kColumns;
    kind.raw_rows = sum;
  }
  if (is_short) return covering(kind, sum, 1);
  return best_covering(recipe, kind, sum, side_by_side ? 1 : kBurst);
}

Contraction forward_pass(const device::Recipe& recipe, const InnerProductShape& s) {
  return outputs_pass(recipe, s.N, s.K, s.O, s.transpose);
}

Contraction data_pass(const device::Recipe& recipe, const InnerProductShape& s) {
  return outputs_pass(recipe, s.N, s.O, s.K, !s.transpose);
}

// Gradients lie as the weights: the rows are the lanes, what lies side by side are the columns. So where weights are not transposed,
// src and diff_dst change places.
Contraction weights_pass(const device::Recipe& recipe, const InnerProductShape& s) {
  Contraction kind = {};
  kind.weights_pass = true;
  kind.images = s.N;
  kind.raw = RawWeights::kRows;
  kind.raw_rows = s.transpose ? s.K : s.O;
  kind.columns = s.transpose ? s.O : s.K;
  return best_covering(recipe, kind, kind.raw_rows, 1);
}

// Of weights that are packed, [columns][inputs].
RawLayout layout(const Contraction& c, int inputs) {
  std::vector<int> taps(c.width.taps);
  std::iota(taps.begin(), taps.end(), 0);
  return {0, inputs, 0, 1, inputs, 1, c.width.taps, {0}, taps};
}

}  // namespace

struct InnerProduct::Impl {
  device::Program& program;
  InnerProductShape s;
  PackedWeights packed;
  std::optional<OutputsPass> forward, data;
  std::optional<WeightsPass> weights;

  void prepare(std::optional<OutputsPass>& pass, const Contraction& contraction, int inputs) {
    if (!pass) pass.emplace(program, std::vector<GridPass>{{contraction, layout(contraction, inputs)}}, packed);
  }
};

InnerProduct::InnerProduct(device::Program& program, const InnerProductShape& shape)
    : impl_(new Impl{program, shape, PackedWeights(program), {}, {}, {}}) {}

InnerProduct::~InnerProduct() = default;

void InnerProduct::forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias,
                           device::Buffer& dst) {
  Impl& impl = *impl_;
  if (!impl.forward) impl.prepare(impl.forward, forward_pass(impl.program.recipe(), impl.s), impl.s.K);
  impl.forward->run(src, weights, bias, dst);
}

void InnerProduct::backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src) {
  Impl& impl = *impl_;
  if (!impl.data) impl.prepare(impl.data, data_pass(impl.program.recipe(), impl.s), impl.s.O);
  impl.data->run(diff_dst, weights, nullptr, diff_src);
}

void InnerProduct::backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                                    device::Buffer* diff_bias) {
  Impl& impl = *impl_;
  const InnerProductShape& s = impl.s;
  if (!impl.weights) {
    const Contraction c = weights_pass(impl.program.recipe(), s);
    impl.weights.emplace(impl.program, GridPass{c, layout(c, c.raw_rows)});
  }
  impl.weights->run(s.transpose ? src : diff_dst, s.transpose ? diff_dst : src, diff_weights, nullptr);
  if (diff_bias != nullptr) backward_bias(diff_dst, *diff_bias);
}

void InnerProduct::backward_bias(const device::Buffer& diff_dst, device::Buffer& diff_bias) {
  bias_gradient(impl_->program, {diff_dst, diff_bias, impl_->s.N, impl_->s.O, 1});
}

std::vector<NamedPlan> plans(const device::Recipe& recipe, const InnerProductShape& s) {
  return {{"forward", plan(recipe, forward_pass(recipe, s))},
          {"weights", plan(recipe, weights_pass(recipe, s))},
          {"data", plan(recipe, data_pass(recipe, s))}};
}

}  // namespace barista::ops
