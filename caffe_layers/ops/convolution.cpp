#include "ops/convolution.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "ops/depthwise.hpp"
#include "ops/multiply.hpp"
#include "plan/ranges.hpp"

namespace barista::ops {
namespace {

using plan::positive_mod;

std::vector<int> identity(int count) {
  std::vector<int> taps(count);
  std::iota(taps.begin(), taps.end(), 0);
  return taps;
}

// The rows of diff_src that are congruent modulo the stride see the same kernel rows: a phase. Within it, backward-data is a
// convolution of stride 1 over diff_dst with those kernel rows in reverse.
struct Phase {
  Axis axis;
  std::vector<int> taps;  // of each kernel row, its tap in this phase, or -1
  bool reached;           // some kernel row contributes; else the axis has one tap that no weight goes to

  bool has_outputs() const { return axis.outputs > 0; }
};

Phase phase(int remainder, int source, int outputs, int kernel, int stride, int pad, int dilation) {
  const int first = positive_mod(remainder - pad, stride);
  Phase result = {};
  result.taps.assign(kernel, -1);
  int count = 0, last = 0;
  for (int r = 0; r < kernel; r++)
    if (positive_mod(first + pad - r * dilation, stride) == 0) {
      result.taps[r] = count++;
      last = r;
    }
  for (int& tap : result.taps)
    if (tap >= 0) tap = count - 1 - tap;
  Axis& axis = result.axis;
  axis.source = outputs;
  axis.outputs = first < source ? (source - first + stride - 1) / stride : 0;
  axis.taps = std::max(1, count);
  result.reached = count > 0;
  axis.origin = (first + pad - last * dilation) / stride;
  axis.output_step = 1;
  axis.tap_step = dilation / std::gcd(dilation, stride);
  axis.plane = source;
  axis.plane_origin = first;
  axis.plane_step = stride;
  return result;
}

Contraction contraction(const ConvolutionShape& s, bool weights_pass) {
  Contraction c = {};
  c.weights_pass = weights_pass;
  c.images = s.N;
  c.groups = s.G;
  c.channels = s.C / s.G;
  c.columns = s.O / s.G;
  c.image_stride = c.image_floats = s.C * s.H * s.W;
  c.height = {s.H, s.P(), s.KH, -s.PH, s.SH, s.DH, s.P(), 0, 1};
  c.width = {s.W, s.Q(), s.KW, -s.PW, s.SW, s.DW, s.Q(), 0, 1};
  return c;
}

RawLayout layout(const ConvolutionShape& s) {
  const int kernel = (s.C / s.G) * s.KH * s.KW;
  return {s.O / s.G * kernel, kernel, 0, 1, kernel, s.KH, s.KW, identity(s.KH), identity(s.KW)};
}

// Backward-data: a pass for each phase that has outputs.
struct Phases {
  std::vector<std::string> names;
  std::vector<GridPass> passes;
};

Phases data_phases(const ConvolutionShape& s) {
  Phases result;
  for (int a = 0; a < s.SH; a++)
    for (int b = 0; b < s.SW; b++) {
      const Phase height = phase(a, s.H, s.P(), s.KH, s.SH, s.PH, s.DH), width = phase(b, s.W, s.Q(), s.KW, s.SW, s.PW, s.DW);
      if (!height.has_outputs() || !width.has_outputs()) continue;
      // A phase that no kernel position reaches sums over no channels: its gradient is zero.
      const bool reached = height.reached && width.reached;
      Contraction c = {};
      c.images = s.N;
      c.groups = s.G;
      c.channels = reached ? s.O / s.G : 0;
      c.columns = s.C / s.G;
      c.image_stride = c.image_floats = s.O * s.P() * s.Q();
      c.height = height.axis;
      c.width = width.axis;
      const int taps = s.KH * s.KW, channels = s.C / s.G, outputs = s.O / s.G;
      const RawLayout raw = {outputs * channels * taps, taps, channels * taps, outputs, taps, s.KH, s.KW, height.taps, width.taps};
      if (taps == 1) {  // channels lie side by side
        c.raw = RawWeights::kRows;
        c.raw_rows = c.channels;
      }
      const bool strided = s.SH > 1 || s.SW > 1;
      result.names.push_back(strided ? "data phase " + std::to_string(a) + "," + std::to_string(b) : "data");
      result.passes.push_back({c, raw});
    }
  return result;
}

}  // namespace

struct Convolution::Impl {
  device::Program& program;
  ConvolutionShape s;
  PackedWeights packed;
  std::optional<OutputsPass> forward, data;
  std::optional<WeightsPass> weights;
  std::optional<Depthwise> depthwise;  // in the place of these
};

Convolution::Convolution(device::Program& program, const ConvolutionShape& shape)
    : impl_(new Impl{program, shape, PackedWeights(program), {}, {}, {}, {}}) {
  if (shape.P() < 1 || shape.Q() < 1)
    throw device::Error("convolution: its output is " + std::to_string(shape.P()) + "x" + std::to_string(shape.Q()) +
                        "; a kernel must fit into the padded image");
  if (Depthwise::takes(shape)) impl_->depthwise.emplace(program, shape);
}

Convolution::~Convolution() = default;

void Convolution::forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias,
                          device::Buffer& dst) {
  Impl& impl = *impl_;
  if (impl.depthwise) return impl.depthwise->forward(src, weights, bias, dst);
  if (!impl.forward)
    impl.forward.emplace(impl.program, std::vector<GridPass>{{contraction(impl.s, false), layout(impl.s)}}, impl.packed);
  impl.forward->run(src, weights, bias, dst);
}

void Convolution::backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src,
                                const device::Buffer* bias) {
  Impl& impl = *impl_;
  if (impl.depthwise) return impl.depthwise->backward_data(diff_dst, weights, diff_src, bias);
  if (!impl.data) impl.data.emplace(impl.program, data_phases(impl.s).passes, impl.packed);
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
  if (!impl.weights) impl.weights.emplace(impl.program, GridPass{contraction(impl.s, true), layout(impl.s)});
  impl.weights->run(src, diff_dst, diff_weights, bias);
}

void Convolution::backward_bias(const device::Buffer& diff_dst, device::Buffer& diff_bias) {
  const ConvolutionShape& s = impl_->s;
  bias_gradient(impl_->program, {diff_dst, diff_bias, s.N, s.O, s.P() * s.Q()});
}

std::vector<NamedPlan> plans(const device::Recipe& recipe, const ConvolutionShape& shape) {
  std::vector<NamedPlan> result = {{"forward", plan(recipe, contraction(shape, false))},
                                   {"weights", plan(recipe, contraction(shape, true))}};
  const Phases data = data_phases(shape);
  for (std::size_t i = 0; i < data.passes.size(); i++) result.push_back({data.names[i], plan(recipe, data.passes[i].contraction)});
  return result;
}

}  // namespace barista::ops
