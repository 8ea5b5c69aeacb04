#include "ops/outputs_pass.hpp"

namespace barista::ops {

OutputsPass::OutputsPass(device::DeviceManager& manager, const std::vector<plan::PassPlan>& passes, PackedWeights& packed)
    : manager_(manager), packed_(packed) {
  std::vector<plan::MultiplyPlan> plans;
  for (const plan::PassPlan& pass : passes) {
    plans.push_back(pass.plan);
    if (!pass.packs()) continue;
    packs_ = true;
    plans.back().descriptor.weights_start = int(packed.add(pass));
  }
  jobs_.emplace(manager, plans);
  const plan::Contraction& all = passes.front().pass.contraction;
  stores_.images = all.images;
  stores_.channels = all.groups * all.columns;
}

void OutputsPass::run(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst) {
  multiply_store stores = stores_;
  stores.offsets = bias != nullptr ? 1 : 0;
  const device::Buffer& operand = packs_ ? packed_.pack(weights) : weights;
  manager_.launch_held(jobs_->launches({src, operand, nullptr, bias, device::Argument::out(dst)}, stores));
}

}  // namespace barista::ops
