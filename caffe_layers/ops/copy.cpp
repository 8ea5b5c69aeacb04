#include "ops/copy.hpp"

#include <string>

#include "../../opencl_kernels/copy_block.h"
#include "ops/units.hpp"

namespace barista::ops {
namespace {
constexpr int kVector = 16;  // floats that a kernel takes a step
}

std::vector<device::Launch> copy_launches(device::DeviceManager& manager, const device::Buffer& src, device::Buffer& dst,
                                          const CopyRows& r) {
  if (r.rows < 1 || r.run < 1) return {};
  const copy_block block = {r.rows, r.run, r.src_offset, r.src_stride, r.dst_offset, r.dst_stride};
  return unit_launches(manager, "copy_", {device::Argument::in(src), device::Argument::out(dst), device::Argument::value(block)},
                       r.rows * ((r.run - 1) / kVector + 1));
}

}  // namespace barista::ops
