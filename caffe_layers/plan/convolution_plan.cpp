#include "plan/convolution_plan.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "plan/ranges.hpp"
#include "plan/unsupported.hpp"

namespace barista::plan {
namespace {

std::vector<int> identity(int count) {
  std::vector<int> taps(count);
  std::iota(taps.begin(), taps.end(), 0);
  return taps;
}

Axis height_axis(const ConvolutionShape& s) { return {s.H, s.P(), s.KH, -s.PH, s.SH, s.DH, s.P(), 0, 1}; }
Axis width_axis(const ConvolutionShape& s) { return {s.W, s.Q(), s.KW, -s.PW, s.SW, s.DW, s.Q(), 0, 1}; }

// The rows of diff_src that are congruent modulo the stride see the same kernel rows: a phase. Within it, backward-data is a
// convolution of stride 1 over diff_dst with those kernel rows in reverse.
struct Phase {
  Axis axis;
  std::vector<int> taps;  // of each kernel row, its tap in this phase, or -1
  bool has_taps;          // else the axis has one tap that no weight goes to

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
  axis.outputs = first < source ? ceil_div(source - first, stride) : 0;
  axis.taps = std::max(1, count);
  result.has_taps = count > 0;
  axis.origin = (first + pad - last * dilation) / stride;
  axis.output_step = 1;
  axis.tap_step = dilation / std::gcd(dilation, stride);
  axis.plane = source;
  axis.plane_origin = first;
  axis.plane_step = stride;
  return result;
}

GridPass source_pass(const ConvolutionShape& s, bool weights) {
  Contraction c = {};
  c.weights_pass = weights;
  c.images = s.N;
  c.groups = s.G;
  c.channels = s.C / s.G;
  c.columns = s.O / s.G;
  c.image_stride = c.image_floats = s.C * s.H * s.W;
  c.height = height_axis(s);
  c.width = width_axis(s);
  const int kernel = c.channels * s.KH * s.KW;
  return {
      weights ? "weights" : "forward", c, {c.columns * kernel, kernel, 0, 1, kernel, s.KH, s.KW, identity(s.KH), identity(s.KW)}};
}

GridPass data_pass(const ConvolutionShape& s, const Phase& height, const Phase& width, std::string name) {
  const int taps = s.KH * s.KW, channels = s.C / s.G, outputs = s.O / s.G;
  Contraction c = {};
  c.images = s.N;
  c.groups = s.G;
  // A phase that no kernel position meets sums over no channels: its gradient is zero.
  c.channels = height.has_taps && width.has_taps ? outputs : 0;
  c.columns = channels;
  c.image_stride = c.image_floats = s.O * s.P() * s.Q();
  c.height = height.axis;
  c.width = width.axis;
  if (taps == 1) {  // channels lie side by side
    c.layout = WeightsLayout::kRows;
    c.weights_rows = c.channels;
  }
  return {
      std::move(name), c, {outputs * channels * taps, taps, channels * taps, outputs, taps, s.KH, s.KW, height.taps, width.taps}};
}

std::vector<GridPass> data_passes(const ConvolutionShape& s) {
  std::vector<GridPass> passes;
  const bool strided = s.SH > 1 || s.SW > 1;
  for (int a = 0; a < s.SH; a++)
    for (int b = 0; b < s.SW; b++) {
      const Phase height = phase(a, s.H, s.P(), s.KH, s.SH, s.PH, s.DH), width = phase(b, s.W, s.Q(), s.KW, s.SW, s.PW, s.DW);
      if (!height.has_outputs() || !width.has_outputs()) continue;
      passes.push_back(data_pass(s, height, width, strided ? "data phase " + std::to_string(a) + "," + std::to_string(b) : "data"));
    }
  return passes;
}

}  // namespace

void check_output(const ConvolutionShape& shape) {
  if (shape.P() < 1 || shape.Q() < 1)
    throw Unsupported("convolution: its output is " + std::to_string(shape.P()) + "x" + std::to_string(shape.Q()) +
                      "; a kernel must fit into the padded image");
}

std::int64_t multiply_adds(const ConvolutionShape& s) {
  return std::int64_t(s.N) * s.O * (s.C / s.G) * products(height_axis(s)) * products(width_axis(s));
}

std::vector<PassPlan> ConvolutionPlan::passes() const {
  std::vector<PassPlan> all = {forward, weights};
  all.insert(all.end(), data.begin(), data.end());
  return all;
}

ConvolutionPlan plan_convolution(const Recipe& recipe, const ConvolutionShape& shape) {
  check_output(shape);
  ConvolutionPlan plan = {plan_pass(recipe, source_pass(shape, false)), plan_pass(recipe, source_pass(shape, true)), {}};
  for (GridPass& pass : data_passes(shape)) plan.data.push_back(plan_pass(recipe, std::move(pass)));
  return plan;
}

}  // namespace barista::plan
