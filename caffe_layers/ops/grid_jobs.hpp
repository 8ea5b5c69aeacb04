// Launches of the PE array.
#ifndef BARISTA_OPS_GRID_JOBS_HPP_
#define BARISTA_OPS_GRID_JOBS_HPP_

#include <vector>

#include "device/program.hpp"
#include "plan/multiply_plan.hpp"

namespace barista::ops {

// The jobs of some plans, and launches that do them. Copies share the jobs on the device.
class GridJobs {
 public:
  GridJobs(device::Program& program, const std::vector<plan::MultiplyPlan>& plans);
  // One launch a unit that takes part. With `adds`, raw gradients are added to what dst holds.
  std::vector<device::Launch> launches(const device::Argument& src, const device::Argument& operand,
                                       const device::PostOps& post_ops, const device::Argument& dst, bool adds = false) const;

 private:
  device::Argument jobs_;
  std::vector<int> ends_;  // of each unit's jobs; they follow each other
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_GRID_JOBS_HPP_
