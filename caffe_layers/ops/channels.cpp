#include "ops/channels.hpp"

#include <algorithm>

#include "interface/channel_shape.h"
#include "ops/units.hpp"
#include "plan/ranges.hpp"

namespace barista::ops {
namespace {

using plan::ceil_div;

using device::Argument;

constexpr int kRow = 4096;  // words of a row that a unit takes, where there is one channel

int count_of(const ChannelShape& s) { return std::max(s.outer, 0) * std::max(s.channels, 0) * std::max(s.inner, 0); }

// One channel of several planes is one plane, or as many as are wanted: its words lie side by side.
channel_shape described(const ChannelShape& s, int longest_of_one) {
  const int count = count_of(s);
  if (s.channels != 1) return {s.outer, s.channels, s.inner, s.channels * s.inner, count};
  const int words = std::min(count, longest_of_one);
  return {ceil_div(count, words), 1, words, words, count};
}

// Rows are planes, or channels, or vectors of channels where inner is 1.
auto rows_from(const channel_shape& s, int lanes) {
  return [s, lanes](const UnitRange& rows) {
    const int channels_a_row = s.inner == 1 ? lanes : 1, row_words = channels_a_row * s.inner;
    return channel_range{rows.begin, rows.end, rows.begin * channels_a_row % s.channels, rows.begin * row_words,
                         rows.end * row_words};
  };
}

// A kernel wants a buffer for every operand: for one that it doesn't read, another, so that nothing more is waited for.
Argument operand(const device::Buffer* buffer, const device::Buffer& instead) {
  return Argument::in(buffer != nullptr ? *buffer : instead);
}

Argument result(const ChannelSum& sum, const ChannelSum& instead) {
  if (sum.to == nullptr) return Argument::out(*instead.to);
  return sum.adds ? Argument::inout(*sum.to) : Argument::out(*sum.to);
}

}  // namespace

void channel_affine(device::DeviceManager& manager, const ChannelShape& shape, const ChannelAffine& operands, device::Buffer& dst,
                    const ChannelCopy* copy) {
  const int count = count_of(shape), lanes = manager.recipe().lanes;
  if (count == 0) return;
  const channel_shape s = described(shape, kRow);
  int options = copy == nullptr ? 0 : copy->of == ChannelCopy::Of::kSrc ? CHANNEL_KEEPS_SRC : CHANNEL_KEEPS_DST;
  if (operands.other != nullptr) options |= CHANNEL_OTHER;
  if (operands.centre != nullptr) options |= CHANNEL_CENTRE;
  if (operands.slope != nullptr) options |= CHANNEL_SLOPE;
  if (operands.scale != nullptr) options |= CHANNEL_SCALE;
  if (operands.shift != nullptr) options |= CHANNEL_SHIFT;
  const device::Buffer& src = *operands.src;
  launch_on_units(manager, "channel_affine_",
                  {Argument::in(src), operand(operands.other, src), operand(operands.centre, src), operand(operands.slope, src),
                   operand(operands.scale, src), operand(operands.shift, src), Argument::out(dst),
                   Argument::out(copy != nullptr ? copy->to : dst), Argument::value(s), Argument::value(options)},
                  s.inner == 1 ? ceil_div(s.channels, lanes) : s.outer * s.channels, count, rows_from(s, lanes));
}

void channel_sums(device::DeviceManager& manager, const ChannelShape& shape, const ChannelTerms& terms, const ChannelSum& products,
                  const ChannelSum& sums) {
  const int count = count_of(shape), lanes = manager.recipe().lanes;
  if (count == 0 || (products.to == nullptr && sums.to == nullptr)) return;
  const channel_shape s = described(shape, count);
  int options = 0;
  if (terms.a != nullptr) options |= CHANNEL_A;
  if (terms.centre != nullptr) options |= CHANNEL_CENTRE;
  if (terms.negative_a) options |= CHANNEL_NEGATIVE_A;
  if (products.to != nullptr) options |= CHANNEL_PRODUCTS;
  if (products.adds) options |= CHANNEL_ADDS_PRODUCTS;
  if (sums.to != nullptr) options |= CHANNEL_SUMS;
  if (sums.adds) options |= CHANNEL_ADDS_SUMS;
  const device::Buffer& b = *terms.b;
  launch_on_units(manager, "channel_sums_",
                  {operand(terms.a, b), Argument::in(b), operand(terms.centre, b), result(products, sums), result(sums, products),
                   Argument::value(s), Argument::value(options), Argument::value(terms.divisor)},
                  s.inner == 1 ? ceil_div(s.channels, lanes) : s.channels, count, rows_from(s, lanes));
}

}  // namespace barista::ops
