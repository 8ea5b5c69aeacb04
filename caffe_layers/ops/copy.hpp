// Copies of rows between buffers: what concatenation and slicing are made of.
#ifndef BARISTA_OPS_COPY_HPP_
#define BARISTA_OPS_COPY_HPP_

#include <vector>

#include "device/program.hpp"
#include "plan/copy.hpp"

namespace barista::ops {

using plan::CopyRows;

// The launches of one copy, to be enqueued with others that write other parts of dst; none where there is nothing to copy.
std::vector<device::Launch> copy_launches(device::Program& program, const device::Buffer& src, device::Buffer& dst,
                                          const CopyRows& rows);

}  // namespace barista::ops

#endif  // BARISTA_OPS_COPY_HPP_
