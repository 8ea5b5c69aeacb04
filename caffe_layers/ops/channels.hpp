// Blobs [outer][channels][inner] with numbers of each channel, and sums over all of a channel: the kernels of channels.cl, for
// operations that are made of them.
//
// A buffer that holds a number a channel has `channels` floats. Every call enqueues and returns; one of no elements does nothing.
#ifndef BARISTA_OPS_CHANNELS_HPP_
#define BARISTA_OPS_CHANNELS_HPP_

#include "device/program.hpp"
#include "plan/channels.hpp"

namespace barista::ops {

using plan::ChannelShape;

// dst = (src - centre[c] - other * slope[c]) * scale[c] + shift[c]. Null: 0; without a scale, 1. dst may be src or other.
struct ChannelAffine {
  const device::Buffer* src;
  const device::Buffer* other = nullptr;
  const device::Buffer* centre = nullptr;
  const device::Buffer* slope = nullptr;
  const device::Buffer* scale = nullptr;
  const device::Buffer* shift = nullptr;
};

// What is written a second time, to a buffer of its own.
struct ChannelCopy {
  enum class Of { kSrc, kDst } of;
  device::Buffer& to;
};

// Overwrites dst and the copy's buffer.
void channel_affine(device::Program& program, const ChannelShape& shape, const ChannelAffine& operands, device::Buffer& dst,
                    const ChannelCopy* copy = nullptr);

// The terms x and y of a channel's sums: y = b - centre[c], and x = a, or what of a is not above 0; without an a, x = y.
struct ChannelTerms {
  const device::Buffer* b;
  const device::Buffer* a = nullptr;
  const device::Buffer* centre = nullptr;
  bool negative_a = false;
  float divisor = 1;  // of each sum
};

// Where a sum goes, one float a channel; nowhere without a buffer.
struct ChannelSum {
  device::Buffer* to = nullptr;
  bool adds = false;  // to what is there
};

// products[c] = (sum of x * y) / divisor, sums[c] = (sum of y) / divisor, each over outer and inner, in an order that is the same on
// every run and whatever the recipe.
void channel_sums(device::Program& program, const ChannelShape& shape, const ChannelTerms& terms, const ChannelSum& products,
                  const ChannelSum& sums);

}  // namespace barista::ops

#endif  // BARISTA_OPS_CHANNELS_HPP_
