// A pass of the PE array whose result are the gradients of weights.
#ifndef BARISTA_OPS_WEIGHTS_PASS_HPP_
#define BARISTA_OPS_WEIGHTS_PASS_HPP_

#include <cstddef>
#include <optional>

#include "device/program.hpp"
#include "ops/grid_jobs.hpp"
#include "ops/parameter_gradients.hpp"
#include "plan/multiply_plan.hpp"

namespace barista::ops {

class WeightsPass {
 public:
  WeightsPass(device::Program& program, const plan::PassPlan& pass);
  // diff_weights += contraction of src and diff_dst; and the bias's gradient, where it isn't null.
  void run(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights, const BiasGradient* bias);

 private:
  device::Program& program_;
  std::size_t floats_;                    // of diff_weights
  std::optional<PackedGradient> packed_;  // where gradients are not written to where they belong
  GridJobs jobs_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_WEIGHTS_PASS_HPP_
