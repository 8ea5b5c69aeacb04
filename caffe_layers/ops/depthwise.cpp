#include "ops/depthwise.hpp"

#include <optional>
#include <string>
#include <vector>

#include "ops/depthwise_plan.hpp"
#include "ops/multiply.hpp"

namespace barista::ops {
namespace {

using device::Argument;

// A pass, its parts and its sweeps on the device.
class DevicePass {
 public:
  DevicePass(device::DeviceManager& manager, const DepthwisePass& pass)
      : manager_(manager),
        problem_(pass.problem),
        units_(pass.units),
        parts_(manager.allocate(pass.parts.size() * sizeof(depthwise_part))),
        sweeps_(manager.allocate(pass.sweeps.size() * sizeof(depthwise_sweep))) {
    manager.upload(parts_, pass.parts.data(), parts_.bytes());
    manager.upload(sweeps_, pass.sweeps.data(), sweeps_.bytes());
  }

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
  device::DeviceManager& manager;
  ConvolutionShape shape;
  std::optional<DevicePass> forward, data, weights;

  DevicePass& planned(std::optional<DevicePass>& pass, DepthwiseDirection direction) const {
    if (!pass) pass.emplace(manager, plan_depthwise(manager.recipe(), shape, direction));
    return *pass;
  }
};

Depthwise::Depthwise(device::DeviceManager& manager, const ConvolutionShape& shape) : impl_(new Impl{manager, shape, {}, {}, {}}) {}

Depthwise::~Depthwise() = default;

void Depthwise::forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst) {
  impl_->planned(impl_->forward, DepthwiseDirection::kForward).apply(src, weights, bias, dst);
}

void Depthwise::backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src,
                              const device::Buffer* bias) {
  impl_->planned(impl_->data, DepthwiseDirection::kBackwardData).apply(diff_dst, weights, bias, diff_src);
}

void Depthwise::backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights) {
  impl_->planned(impl_->weights, DepthwiseDirection::kBackwardWeights).weights(src, diff_dst, diff_weights);
}

}  // namespace barista::ops
