#include "ops/pooling.hpp"

#include <string>
#include <vector>

#include "ops/pooling_plan.hpp"

namespace barista::ops {
namespace {

// A pass and its tiles on the device.
struct DevicePass {
  pooling_problem problem;
  std::vector<pooling_range> units;
  device::Buffer tiles;

  DevicePass(device::DeviceManager& manager, const PoolingPass& pass)
      : problem(pass.problem), units(pass.units), tiles(manager.allocate(pass.tiles.size() * sizeof(pooling_tile))) {
    manager.upload(tiles, pass.tiles.data(), tiles.bytes());
  }
};

}  // namespace

struct Pooling::Impl {
  device::DeviceManager& manager;
  PoolingMethod method;
  DevicePass forward, backward;
  device::Buffer no_winners;  // what the kernels are handed for a mean

  void launch(const char* kernel, const DevicePass& pass, const std::vector<device::Argument>& buffers) const {
    std::vector<device::Launch> group;
    for (std::size_t unit = 0; unit < pass.units.size(); unit++) {
      device::Launch one = {kernel + std::to_string(unit), static_cast<int>(unit), buffers};
      one.arguments.push_back(device::Argument::in(pass.tiles));
      one.arguments.push_back(device::Argument::value(pass.problem));
      one.arguments.push_back(device::Argument::value(pass.units[unit]));
      group.push_back(std::move(one));
    }
    manager.launch(group);
  }
};

Pooling::Pooling(device::DeviceManager& manager, const PoolingShape& shape, PoolingMethod method) {
  const PoolingPlan plan = plan_pooling(manager.recipe(), shape, method);
  impl_.reset(new Impl{manager, method, DevicePass(manager, plan.forward), DevicePass(manager, plan.backward),
                       method == PoolingMethod::kAverage ? manager.allocate(sizeof(float)) : device::Buffer()});
}

Pooling::~Pooling() = default;

void Pooling::forward(const device::Buffer& src, device::Buffer& dst, device::Buffer& winners) {
  const bool average = impl_->method == PoolingMethod::kAverage;
  impl_->launch("pooling_forward_", impl_->forward,
                {device::Argument::in(src), device::Argument::out(dst),
                 average ? device::Argument::in(impl_->no_winners) : device::Argument::out(winners)});
}

void Pooling::backward(const device::Buffer& diff_dst, const device::Buffer& winners, device::Buffer& diff_src) {
  const bool average = impl_->method == PoolingMethod::kAverage;
  impl_->launch("pooling_backward_", impl_->backward,
                {device::Argument::in(diff_dst), device::Argument::in(average ? impl_->no_winners : winners),
                 device::Argument::out(diff_src)});
}

}  // namespace barista::ops
