// Copies of rows between buffers: what concatenation and slicing are made of.
#ifndef BARISTA_OPS_COPY_HPP_
#define BARISTA_OPS_COPY_HPP_

#include <vector>

#include "device/program.hpp"

namespace barista::ops {

// `rows` rows of `run` floats, which begin `offset` floats into their buffer and every `stride` floats after that.
struct CopyRows {
  int rows, run;
  int src_offset, src_stride;
  int dst_offset, dst_stride;
};

// The launches of one copy, to be enqueued with others that write other parts of dst; none where there is nothing to copy.
std::vector<device::Launch> copy_launches(device::Program& program, const device::Buffer& src, device::Buffer& dst,
                                          const CopyRows& rows);

}  // namespace barista::ops

#endif  // BARISTA_OPS_COPY_HPP_
