#include "ops/depthwise.hpp"

#include <optional>
#include <string>
#include <vector>

#include "ops/grid_jobs.hpp"
#include "ops/uploaded.hpp"
#include "plan/depthwise_plan.hpp"

namespace barista::ops {
namespace {

using device::Argument;

// A pass, its parts and its sweeps on the device.
class DevicePass {
 public:
  DevicePass(device::DeviceManager& manager, const plan::DepthwisePass& pass)
      : manager_(manager),
        problem_(pass.problem),
        units_(pass.units),
        parts_(uploaded(manager, pass.parts)),
        sweeps_(uploaded(manager, pass.sweeps)) {}

  // diff_src or dst = weights and bias applied to `source`. Held back for what follows in place (ops/in_store.hpp), so arguments
  // are where a launch of the multiply grid has them.
  void apply(const device::Buffer& source, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& result) {
    multiply_store stores = {};
    stores.offsets = bias != nullptr ? 1 : 0;
    stores.images = problem_.planes / problem_.channels;
    stores.channels = problem_.channels;
    const Argument unused = Argument::in(weights);
    static_assert(kMultiplyScale == 2 && kMultiplyOffset == 3 && kMultiplyDst == 4 && kMultiplyStores == 8);
    manager_.launch_held(launches(
        "depthwise_apply_",
        {Argument::in(source), Argument::in(weights), unused, bias != nullptr ? Argument::in(*bias) : unused, Argument::out(result),
         Argument::in(parts_), Argument::in(sweeps_), Argument::value(problem_), Argument::value(stores)}));
  }

  void weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights) {
    const std::size_t bytes = static_cast<std::size_t>(problem_.channels) * problem_.kernel_plane * sizeof(float);
    const int adds = manager_.take_zero(diff_weights, bytes) ? 0 : 1;
    manager_.launch(launches(
        "depthwise_weights_",
        {Argument::in(src), Argument::in(diff_dst), adds != 0 ? Argument::inout(diff_weights) : Argument::out(diff_weights),
         Argument::in(parts_), Argument::in(sweeps_), Argument::value(problem_), Argument::value(adds)}));
  }

 private:
  std::vector<device::Launch> launches(const std::string& kernel, const std::vector<Argument>& arguments) const {
    std::vector<device::Launch> group;
    for (std::size_t unit = 0; unit < units_.size(); unit++) {
      device::Launch one = {kernel + std::to_string(unit), static_cast<int>(unit), arguments};
      one.arguments.push_back(Argument::value(units_[unit]));
      group.push_back(std::move(one));
    }
    return group;
  }

  device::DeviceManager& manager_;
  depthwise_problem problem_;
  std::vector<depthwise_range> units_;
  device::Buffer parts_, sweeps_;
};

}  // namespace

struct Depthwise::Impl {
  Impl(device::DeviceManager& device_manager, const plan::ConvolutionShape& shape)
      : manager(device_manager), passes(plan::plan_depthwise(manager.recipe(), shape)) {}

  DevicePass& ready(std::optional<DevicePass>& pass, const plan::DepthwisePass& pass_plan) const {
    if (!pass) pass.emplace(manager, pass_plan);
    return *pass;
  }

  device::DeviceManager& manager;
  plan::DepthwisePlan passes;
  std::optional<DevicePass> forward, data, weights;
};

Depthwise::Depthwise(device::DeviceManager& manager, const plan::ConvolutionShape& shape) : impl_(new Impl(manager, shape)) {}

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
