// Slices along an axis: parts[i][r] = runs[i] floats of src[r], which follow those of the parts before.
//
// src float [rows][sum of runs], parts[i] float [rows][runs[i]]. The call enqueues and returns.
#ifndef BARISTA_OPS_SLICE_HPP_
#define BARISTA_OPS_SLICE_HPP_

#include <vector>

#include "device/program.hpp"

namespace barista::ops {

// Overwrites the parts, but for those that are null. `runs` has as many elements as `parts`.
void slice(device::Program& program, const device::Buffer& src, const std::vector<int>& runs, int rows,
           const std::vector<device::Buffer*>& parts);

}  // namespace barista::ops

#endif  // BARISTA_OPS_SLICE_HPP_
