#include "ops/depthwise.hpp"

#include <optional>
#include <string>
#include <vector>

#include "ops/post_ops.hpp"
#include "ops/uploaded.hpp"
#include "plan/depthwise_plan.hpp"

namespace barista::ops {
namespace {

using device::Argument;

// A pass, its parts and its sweeps on the device.
class DevicePass {
 public:
  DevicePass(device::Program& program, const plan::DepthwisePass& pass)
      : program_(program),
        problem_(pass.problem),
        units_(pass.units),
        parts_(uploaded(program, pass.parts)),
        sweeps_(uploaded(program, pass.sweeps)) {}

  // diff_src or dst = weights and bias applied to `source`. Deferred, for post-ops (ops/post_ops.hpp).
  void apply(const device::Buffer& source, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& result) {
    device::PostOps post_ops;
    if (bias != nullptr) post_ops.offset = Argument::in(*bias);
    const auto make = [problem = problem_, units = units_, parts = Argument::in(parts_), sweeps = Argument::in(sweeps_),
                       src = Argument::in(source),
                       operand = Argument::in(weights)](const device::PostOps& fused, const Argument& to) {
      return launches(units, "depthwise_apply_",
                      {src, operand, fused.scale.value_or(operand), fused.offset.value_or(operand), to, parts, sweeps,
                       Argument::value(problem), Argument::value(as_store(fused))});
    };
    program_.launch_deferred({Argument::out(result), problem_.planes / problem_.channels, problem_.channels, post_ops, make});
  }

  void weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights) {
    const std::size_t bytes = static_cast<std::size_t>(problem_.channels) * problem_.kernel_plane * sizeof(float);
    const int adds = program_.device().take_zero(diff_weights, bytes) ? 0 : 1;
    program_.launch(launches(
        units_, "depthwise_weights_",
        {Argument::in(src), Argument::in(diff_dst), adds != 0 ? Argument::inout(diff_weights) : Argument::out(diff_weights),
         Argument::in(parts_), Argument::in(sweeps_), Argument::value(problem_), Argument::value(adds)}));
  }

 private:
  static std::vector<device::Launch> launches(const std::vector<depthwise_range>& units, const std::string& kernel,
                                              const std::vector<Argument>& arguments) {
    std::vector<device::Launch> group;
    for (std::size_t unit = 0; unit < units.size(); unit++) {
      device::Launch one = {kernel + std::to_string(unit), static_cast<int>(unit), arguments};
      one.arguments.push_back(Argument::value(units[unit]));
      group.push_back(std::move(one));
    }
    return group;
  }

  device::Program& program_;
  depthwise_problem problem_;
  std::vector<depthwise_range> units_;
  device::Buffer parts_, sweeps_;
};

}  // namespace

struct Depthwise::Impl {
  Impl(device::Program& with, const plan::ConvolutionShape& shape)
      : program(with), passes(plan::plan_depthwise(program.recipe(), shape)) {}

  DevicePass& ready(std::optional<DevicePass>& pass, const plan::DepthwisePass& pass_plan) const {
    if (!pass) pass.emplace(program, pass_plan);
    return *pass;
  }

  device::Program& program;
  plan::DepthwisePlan passes;
  std::optional<DevicePass> forward, data, weights;
};

Depthwise::Depthwise(device::Program& program, const plan::ConvolutionShape& shape) : impl_(new Impl(program, shape)) {}

Depthwise::~Depthwise() = default;

void Depthwise::forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst) {
  impl_->ready(impl_->forward, impl_->passes.forward).apply(src, weights, bias, dst);
}

void Depthwise::backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src,
                              const device::Buffer* bias) {
  impl_->ready(impl_->data, impl_->passes.data).apply(diff_dst, weights, bias, diff_src);
}

void Depthwise::backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights) {
  impl_->ready(impl_->weights, impl_->passes.weights).weights(src, diff_dst, diff_weights);
}

}  // namespace barista::ops
