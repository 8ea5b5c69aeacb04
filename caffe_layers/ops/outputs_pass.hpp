// A pass of the PE array whose result are outputs: forward, or backward-data.
#ifndef BARISTA_OPS_OUTPUTS_PASS_HPP_
#define BARISTA_OPS_OUTPUTS_PASS_HPP_

#include <optional>
#include <vector>

#include "device/program.hpp"
#include "ops/grid_jobs.hpp"
#include "ops/packed_weights.hpp"
#include "plan/multiply_plan.hpp"

namespace barista::ops {

// Contractions of one kind that write parts of one dst between them. Weights that have to be packed are packed in `packed`, which
// outlives this.
class OutputsPass {
 public:
  OutputsPass(device::Program& program, const std::vector<plan::PassPlan>& passes, PackedWeights& packed);
  // dst = contractions of src and weights, plus bias where it isn't null. Deferred, for post-ops (ops/post_ops.hpp).
  void run(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst);

 private:
  device::Program& program_;
  PackedWeights& packed_;
  bool packs_ = false;
  int images_, channels_;  // of dst
  std::optional<GridJobs> jobs_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_OUTPUTS_PASS_HPP_
