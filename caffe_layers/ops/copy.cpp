#include "ops/copy.hpp"

#include <string>

#include "interface/copy_block.h"
#include "ops/units.hpp"

namespace barista::ops {
std::vector<device::Launch> copy_launches(device::DeviceManager& manager, const device::Buffer& src, device::Buffer& dst,
                                          const CopyRows& r) {
  if (r.rows < 1 || r.run < 1) return {};
  const copy_block block = {r.rows, r.run, r.src_offset, r.src_stride, r.dst_offset, r.dst_stride};
  const int lanes = manager.recipe().lanes, vectors_a_row = (r.run - 1) / lanes + 1;
  const auto from = [&](const UnitRange& vectors) {
    const int row = vectors.begin / vectors_a_row;
    return copy_range{vectors.begin, vectors.end, vectors.begin % vectors_a_row * lanes, r.src_offset + row * r.src_stride,
                      r.dst_offset + row * r.dst_stride};
  };
  return unit_launches(manager, "copy_", {device::Argument::in(src), device::Argument::out(dst), device::Argument::value(block)},
                       r.rows * vectors_a_row, 2 * kFloatsWorthALaunch, from);
}

}  // namespace barista::ops
