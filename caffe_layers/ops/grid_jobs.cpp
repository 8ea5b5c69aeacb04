#include "ops/grid_jobs.hpp"

#include <string>

#include "interface/multiply_descriptor.h"
#include "ops/post_ops.hpp"
#include "ops/uploaded.hpp"

namespace barista::ops {

GridJobs::GridJobs(device::Program& program, const std::vector<plan::MultiplyPlan>& plans)
    : jobs_(device::Argument::in(program.device().unused())) {
  std::vector<multiply_job> jobs;
  for (std::size_t unit = 0; unit < std::size_t(program.recipe().compute_units); unit++) {
    for (const plan::MultiplyPlan& plan : plans)
      if (unit < plan.units.size()) jobs.push_back({plan.descriptor, plan.units[unit]});
    ends_.push_back(int(jobs.size()));
  }
  jobs_ = device::Argument::in(uploaded(program, jobs));
}

std::vector<device::Launch> GridJobs::launches(const device::Argument& src, const device::Argument& operand,
                                               const device::PostOps& post_ops, const device::Argument& dst, bool adds) const {
  using device::Argument;
  const Argument scale = post_ops.scale.value_or(operand), offset = post_ops.offset.value_or(operand);
  const Argument store = Argument::value(as_store(post_ops, adds));
  std::vector<device::Launch> group;
  int begin = 0;
  for (std::size_t unit = 0; unit < ends_.size(); unit++) {
    if (ends_[unit] > begin)
      group.push_back({"multiply_" + std::to_string(unit),
                       int(unit),
                       {src, operand, scale, offset, dst, jobs_, Argument::value(begin), Argument::value(ends_[unit]), store}});
    begin = ends_[unit];
  }
  return group;
}

}  // namespace barista::ops
