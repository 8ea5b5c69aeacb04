#include "ops/channels.hpp"

#include "ops/launches.hpp"

namespace barista::ops {
namespace {

using device::Argument;

// A kernel wants a buffer for every operand: for one that it doesn't read, another, so that nothing more is waited for.
Argument operand(const device::Buffer* buffer, const device::Buffer& instead) {
  return Argument::in(buffer != nullptr ? *buffer : instead);
}

Argument result(const ChannelSum& sum, const ChannelSum& instead) {
  if (sum.to == nullptr) return Argument::out(*instead.to);
  return sum.adds ? Argument::inout(*sum.to) : Argument::out(*sum.to);
}

}  // namespace

void channel_affine(device::Program& program, const ChannelShape& shape, const ChannelAffine& operands, device::Buffer& dst,
                    const ChannelCopy* copy) {
  int options = copy == nullptr ? 0 : copy->of == ChannelCopy::Of::kSrc ? CHANNEL_KEEPS_SRC : CHANNEL_KEEPS_DST;
  if (operands.other != nullptr) options |= CHANNEL_OTHER;
  if (operands.centre != nullptr) options |= CHANNEL_CENTRE;
  if (operands.slope != nullptr) options |= CHANNEL_SLOPE;
  if (operands.scale != nullptr) options |= CHANNEL_SCALE;
  if (operands.shift != nullptr) options |= CHANNEL_SHIFT;
  const plan::ChannelPass pass = plan::plan_channel_affine(program.recipe(), shape, options);
  const device::Buffer& src = *operands.src;
  launch(program, "channel_affine_",
         {Argument::in(src), operand(operands.other, src), operand(operands.centre, src), operand(operands.slope, src),
          operand(operands.scale, src), operand(operands.shift, src), Argument::out(dst),
          Argument::out(copy != nullptr ? copy->to : dst), Argument::value(pass.shape), Argument::value(options)},
         pass.units);
}

void channel_sums(device::Program& program, const ChannelShape& shape, const ChannelTerms& terms, const ChannelSum& products,
                  const ChannelSum& sums) {
  if (products.to == nullptr && sums.to == nullptr) return;
  int options = 0;
  if (terms.a != nullptr) options |= CHANNEL_A;
  if (terms.centre != nullptr) options |= CHANNEL_CENTRE;
  if (terms.negative_a) options |= CHANNEL_NEGATIVE_A;
  if (products.to != nullptr) options |= CHANNEL_PRODUCTS;
  if (products.adds) options |= CHANNEL_ADDS_PRODUCTS;
  if (sums.to != nullptr) options |= CHANNEL_SUMS;
  if (sums.adds) options |= CHANNEL_ADDS_SUMS;
  const plan::ChannelPass pass = plan::plan_channel_sums(program.recipe(), shape, options);
  const device::Buffer& b = *terms.b;
  launch(program, "channel_sums_",
         {operand(terms.a, b), Argument::in(b), operand(terms.centre, b), result(products, sums), result(sums, products),
          Argument::value(pass.shape), Argument::value(options), Argument::value(terms.divisor)},
         pass.units);
}

}  // namespace barista::ops
