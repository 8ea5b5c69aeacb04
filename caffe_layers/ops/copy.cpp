#include "ops/copy.hpp"

#include "ops/launches.hpp"

namespace barista::ops {

std::vector<device::Launch> copy_launches(device::Program& program, const device::Buffer& src, device::Buffer& dst,
                                          const CopyRows& rows) {
  const plan::CopyPass pass = plan::plan_copy(program.recipe(), rows);
  return launches("copy_", {device::Argument::in(src), device::Argument::out(dst), device::Argument::value(pass.block)},
                  pass.units);
}

}  // namespace barista::ops
