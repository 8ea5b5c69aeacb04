#include "ops/solver_update.hpp"

#include "ops/launches.hpp"
#include "plan/solver_update.hpp"

namespace barista::ops {
namespace {

using device::Argument;

}  // namespace

bool has_second_history(const solver_rule& rule) { return plan::has_second_history(rule.method); }

void solver_update(device::Program& program, const solver_rule& rule, device::Buffer& weights, device::Buffer& diff_weights,
                   device::Buffer& first, device::Buffer* second, const device::Buffer* norm, int count) {
  launch(
      program, "solver_update_",
      {Argument::inout(weights), Argument::inout(diff_weights), Argument::inout(first),
       Argument::inout(second != nullptr ? *second : first), Argument::in(norm != nullptr ? *norm : first), Argument::value(rule)},
      plan::plan_update(program.recipe(), rule.method, count).units);
}

void add_squared_norm(device::Program& program, const device::Buffer& diff_weights, device::Buffer& norm, bool begins, int count) {
  if (count <= 0) return;
  program.launch({{"squared_norm",
                   0,
                   {Argument::in(diff_weights), begins ? Argument::out(norm) : Argument::inout(norm), Argument::value(count),
                    Argument::value(begins ? 1 : 0)}}});
}

}  // namespace barista::ops
