#include "ops/grid_jobs.hpp"

#include <string>

#include "ops/uploaded.hpp"

namespace barista::ops {

GridJobs::GridJobs(device::DeviceManager& manager, const std::vector<plan::MultiplyPlan>& plans) {
  std::vector<multiply_job> jobs;
  for (std::size_t unit = 0; unit < std::size_t(manager.recipe().compute_units); unit++) {
    for (const plan::MultiplyPlan& plan : plans)
      if (unit < plan.units.size()) jobs.push_back({plan.descriptor, plan.units[unit]});
    ends_.push_back(int(jobs.size()));
  }
  jobs_ = uploaded(manager, jobs);
}

std::vector<device::Launch> GridJobs::launches(const Operands& operands, const multiply_store& stores) const {
  using device::Argument;
  const auto or_operand = [&](const device::Buffer* buffer) {
    return Argument::in(buffer != nullptr ? *buffer : operands.operand);
  };
  std::vector<device::Launch> group;
  int begin = 0;
  for (std::size_t unit = 0; unit < ends_.size(); unit++) {
    if (ends_[unit] > begin)
      group.push_back(
          {"multiply_" + std::to_string(unit),
           int(unit),
           {Argument::in(operands.src), Argument::in(operands.operand), or_operand(operands.scale), or_operand(operands.offset),
            operands.dst, Argument::in(jobs_), Argument::value(begin), Argument::value(ends_[unit]), Argument::value(stores)}});
    begin = ends_[unit];
  }
  return group;
}

}  // namespace barista::ops
