#include "ops/weights_pass.hpp"

#include <vector>

#include "plan/packed_layout.hpp"

namespace barista::ops {

WeightsPass::WeightsPass(device::Program& program, const plan::PassPlan& pass)
    : program_(program), floats_(plan::native_floats(pass.packed.layout)), jobs_(program, {pass.plan}) {
  if (pass.packs()) packed_.emplace(program, pass);
}

void WeightsPass::run(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                      const BiasGradient* bias) {
  using device::Argument;
  const bool adds = !program_.device().take_zero(diff_weights, sizeof(float) * floats_);
  if (packed_) {
    program_.launch(jobs_.launches(Argument::in(src), Argument::in(diff_dst), {}, Argument::out(packed_->packed())));
    return packed_->add_to(diff_weights, adds, bias);
  }
  program_.launch(jobs_.launches(Argument::in(src), Argument::in(diff_dst), {}, Argument::inout(diff_weights), adds));
  if (bias != nullptr) bias_gradient(program_, *bias);
}

}  // namespace barista::ops
