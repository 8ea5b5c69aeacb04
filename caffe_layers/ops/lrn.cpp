#include "ops/lrn.hpp"

#include "ops/launches.hpp"

namespace barista::ops {

using device::Argument;

LRN::LRN(device::Program& program, const LRNShape& shape, const LRNFunction& function)
    : program_(program), plan_(plan::plan_lrn(program.recipe(), shape, function)) {
  const std::size_t bytes = static_cast<std::size_t>(shape.N) * shape.C * shape.H * shape.W * sizeof(float);
  powers_ = program.device().allocate(bytes);
  ratios_ = program.device().allocate(bytes);
}

void LRN::forward(const device::Buffer& src, device::Buffer& dst) {
  launch(program_, "lrn_",
         {Argument::in(src), Argument::in(src), Argument::in(src), Argument::out(powers_), Argument::out(ratios_),
          Argument::out(dst), Argument::value(plan_.forward.problem)},
         plan_.forward.units);
}

// What forward writes to is handed over as read: the kernel leaves it alone here.
void LRN::backward(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_src) {
  launch(program_, "lrn_",
         {Argument::in(diff_dst), Argument::in(ratios_), Argument::in(src), Argument::in(powers_), Argument::in(ratios_),
          Argument::out(diff_src), Argument::value(plan_.backward.problem)},
         plan_.backward.units);
}

}  // namespace barista::ops
