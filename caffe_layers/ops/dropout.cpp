#include "ops/dropout.hpp"

#include "ops/elementwise.hpp"

namespace barista::ops {

void dropout(device::Program& program, const DropoutMask& mask, const device::Buffer& src, device::Buffer& dst, int count) {
  elementwise_function f = {};
  f.function = ELEMENTWISE_DROPOUT;
  f.scale = mask.scale;
  f.key = mask.key;
  f.drop_below = mask.drop_below;
  launch_elementwise(program, f, {&src}, dst, count);
}

void dropout(device::Program& program, const device::Buffer& mask, float scale, const device::Buffer& src, device::Buffer& dst,
             int count) {
  elementwise_function f = {};
  f.function = ELEMENTWISE_PRODUCT;
  f.scale = scale;
  launch_elementwise(program, f, {&src, &mask}, dst, count);
}

}  // namespace barista::ops
