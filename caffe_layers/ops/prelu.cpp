#include "ops/prelu.hpp"

#include <string>
#include <utility>
#include <vector>

#include "ops/elementwise.hpp"
#include "ops/units.hpp"

namespace barista::ops {
namespace {

void launch(device::DeviceManager& manager, int function, const PReLUShape& s, const ElementwiseOperands& operands,
            const device::Buffer& slopes, device::Buffer& out) {
  elementwise_function f = {};
  f.function = function;
  launch_elementwise(manager, f, operands, slopes, s.shared ? 1 : s.channels, out, s.images * s.channels, s.elements);
}

}  // namespace

void prelu_forward(device::DeviceManager& manager, const PReLUShape& shape, const device::Buffer& src, const device::Buffer& slopes,
                   device::Buffer& dst) {
  launch(manager, ELEMENTWISE_RELU, shape, {&src}, slopes, dst);
}

void prelu_backward(device::DeviceManager& manager, const PReLUShape& shape, const device::Buffer& src,
                    const device::Buffer& slopes, const device::Buffer& diff_dst, device::Buffer& diff_src) {
  launch(manager, ELEMENTWISE_RELU_GRADIENT, shape, {&src, nullptr, &diff_dst}, slopes, diff_src);
}

// Units share the channels. A shared slope is that of one channel, of all elements of an image: one unit's work, so that the sum has
// one order whatever the recipe.
void prelu_backward_slopes(device::DeviceManager& manager, const PReLUShape& shape, const device::Buffer& src,
                           const device::Buffer& diff_dst, device::Buffer& diff_slopes) {
  using device::Argument;
  const int channels = shape.shared ? 1 : shape.channels,
            elements = shape.shared ? shape.channels * shape.elements : shape.elements;
  if (shape.images <= 0 || channels <= 0 || elements <= 0) return;
  const std::vector<UnitRange> parts = share_out(channels, manager.recipe().compute_units);
  std::vector<device::Launch> all;
  for (std::size_t unit = 0; unit < parts.size(); unit++) {
    device::Launch one = {"prelu_slopes_" + std::to_string(unit),
                          static_cast<int>(unit),
                          {Argument::in(src), Argument::in(diff_dst), Argument::inout(diff_slopes), Argument::value(shape.images),
                           Argument::value(channels), Argument::value(elements), Argument::value(parts[unit].begin),
                           Argument::value(parts[unit].end)}};
    all.push_back(std::move(one));
  }
  manager.launch(all);
}

}  // namespace barista::ops
