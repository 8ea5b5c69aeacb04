// Dropout, forward and backward alike, as stock Caffe defines it but for the mask.
//
//   dst[i] = src[i] * (word(key, i) >= drop_below ? scale : 0)
//
// src, dst: `count` floats; dst may be src. Backward is the same with diffs. word(key, i) is 32 random bits: word i % 4 of block i / 4
// of Threefry-4x32-20 (Salmon et al., SC 2011) under the key (key, 0, 0, 0), made anew in each pass. So a mask takes no memory, and depends
// on nothing but key and index: not on compute units, vectors or the recipe. Every call enqueues and returns.
#ifndef BARISTA_OPS_DROPOUT_HPP_
#define BARISTA_OPS_DROPOUT_HPP_

#include <cstdint>

#include "device/program.hpp"

namespace barista::ops {

struct DropoutMask {
  std::uint32_t key;
  std::uint32_t drop_below;  // of 2^32, how many words drop an element
  float scale;               // of what is kept
};

void dropout(device::Program& program, const DropoutMask& mask, const device::Buffer& src, device::Buffer& dst, int count);

// dst[i] = src[i] * mask[i] * scale, with a mask of 0 and 1 that somebody else drew.
void dropout(device::Program& program, const device::Buffer& mask, float scale, const device::Buffer& src, device::Buffer& dst,
             int count);

}  // namespace barista::ops

#endif  // BARISTA_OPS_DROPOUT_HPP_
