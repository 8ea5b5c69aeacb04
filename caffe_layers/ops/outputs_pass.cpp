#include "ops/outputs_pass.hpp"

namespace barista::ops {

OutputsPass::OutputsPass(device::Program& program, const std::vector<plan::PassPlan>& passes, PackedWeights& packed)
    : program_(program), packed_(packed) {
  std::vector<plan::MultiplyPlan> plans;
  for (const plan::PassPlan& pass : passes) {
    plans.push_back(pass.plan);
    if (!pass.packs()) continue;
    packs_ = true;
    plans.back().descriptor.weights_start = int(packed.add(pass));
  }
  jobs_.emplace(program, plans);
  const plan::Contraction& all = passes.front().pass.contraction;
  images_ = all.images;
  channels_ = all.groups * all.columns;
}

void OutputsPass::run(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst) {
  using device::Argument;
  const device::Buffer& operand = packs_ ? packed_.pack(weights) : weights;
  device::PostOps post_ops;
  if (bias != nullptr) post_ops.offset = Argument::in(*bias);
  program_.launch_deferred(
      {Argument::out(dst), images_, channels_, post_ops,
       [jobs = *jobs_, src = Argument::in(src), operand = Argument::in(operand)](const device::PostOps& fused, const Argument& to) {
         return jobs.launches(src, operand, fused, to);
       }});
}

}  // namespace barista::ops
