#include "ops/parameter_gradients.hpp"

#include <string>
#include <vector>

#include "ops/uploaded.hpp"
#include "plan/packed_layout.hpp"

namespace barista::ops {
namespace {

// What parameter_gradients_* reads and writes of weights.
struct WeightsOperands {
  device::Argument packed, taps, diff_weights;
};

void add_gradients(device::Program& program, const WeightsOperands& weights, const weights_layout& layout, bool adds,
                   const BiasGradient* bias) {
  using device::Argument;
  bias_sums sums = {};
  if (bias != nullptr) {
    sums = {bias->images, bias->outputs, bias->plane, 1};
    if (program.device().take_zero(bias->diff_bias, sizeof(float) * bias->outputs)) sums.adds = 0;
  }
  const Argument diff_dst = bias != nullptr ? Argument::in(bias->diff_dst) : weights.packed;
  const Argument diff_bias = bias != nullptr ? Argument::inout(bias->diff_bias) : weights.diff_weights;
  std::vector<device::Launch> group;
  for (const plan::GradientShare& share : plan::share_gradients(program.recipe(), layout, sums)) {
    const int unit = int(group.size());
    group.push_back(
        {"parameter_gradients_" + std::to_string(unit),
         unit,
         {weights.packed, weights.taps, weights.diff_weights, Argument::value(layout), Argument::value(adds ? 1 : 0), diff_dst,
          diff_bias, Argument::value(sums), Argument::value(share.vectors.begin), Argument::value(share.vectors.end),
          Argument::value(share.outputs.begin), Argument::value(share.outputs.end)}});
  }
  program.launch(group);
}

}  // namespace

void bias_gradient(device::Program& program, const BiasGradient& bias) {
  const device::Argument none = device::Argument::in(program.device().unused());
  add_gradients(program, {none, none, none}, {}, false, &bias);
}

PackedGradient::PackedGradient(device::Program& program, const plan::PassPlan& pass)
    : program_(program),
      layout_(pass.packed.layout),
      packed_(zeros(program, pass.plan.packed_floats * pass.plan.partials)),
      taps_(uploaded(program, pass.packed.taps)) {}

void PackedGradient::add_to(device::Buffer& diff_weights, bool adds, const BiasGradient* bias) {
  using device::Argument;
  add_gradients(program_, {Argument::in(packed_), Argument::in(taps_), Argument::inout(diff_weights)}, layout_, adds, bias);
}

}  // namespace barista::ops
