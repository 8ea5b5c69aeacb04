#include "ops/weights_pass.hpp"

#include <vector>

#include "plan/packed_layout.hpp"

namespace barista::ops {

WeightsPass::WeightsPass(device::DeviceManager& manager, const plan::PassPlan& pass)
    : manager_(manager), floats_(plan::native_floats(pass.packed.layout)), jobs_(manager, {pass.plan}) {
  if (pass.packs()) packed_.emplace(manager, pass);
}

void WeightsPass::run(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                      const BiasGradient* bias) {
  using device::Argument;
  const bool adds = !manager_.take_zero(diff_weights, sizeof(float) * floats_);
  if (packed_) {
    manager_.launch(jobs_.launches({src, diff_dst, nullptr, nullptr, Argument::out(packed_->packed())}, {}));
    return packed_->add_to(diff_weights, adds, bias);
  }
  multiply_store stores = {};
  stores.adds = adds ? 1 : 0;
  manager_.launch(jobs_.launches({src, diff_dst, nullptr, nullptr, Argument::inout(diff_weights)}, stores));
  if (bias != nullptr) bias_gradient(manager_, *bias);
}

}  // namespace barista::ops
