// Launches of the multiply grid.
#ifndef BARISTA_OPS_GRID_JOBS_HPP_
#define BARISTA_OPS_GRID_JOBS_HPP_

#include <vector>

#include "device/device_manager.hpp"
#include "interface/multiply_descriptor.h"
#include "plan/multiply_plan.hpp"

namespace barista::ops {

// Arguments of multiply_*, by their place.
enum MultiplyArgument {
  kMultiplySrc,
  kMultiplyOperand,
  kMultiplyScale,
  kMultiplyOffset,
  kMultiplyDst,
  kMultiplyJobs,
  kMultiplyJobBegin,
  kMultiplyJobEnd,
  kMultiplyStores
};

// The jobs of some plans, and launches that do them.
class GridJobs {
 public:
  GridJobs(device::DeviceManager& manager, const std::vector<plan::MultiplyPlan>& plans);
  // One launch a unit that takes part. A buffer that isn't there is null.
  struct Operands {
    const device::Buffer &src, &operand;
    const device::Buffer *scale, *offset;
    device::Argument dst;
  };
  std::vector<device::Launch> launches(const Operands& operands, const multiply_store& stores) const;

 private:
  device::Buffer jobs_;
  std::vector<int> ends_;  // of each unit's jobs; they follow each other
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_GRID_JOBS_HPP_
