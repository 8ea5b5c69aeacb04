// The gradient of a blob that several layers read: diff_src[i] = ((diff_dsts[0][i] + diff_dsts[1][i]) + diff_dsts[2][i]) + ...
//
// `count` floats in each buffer. The order of the sum is stock Caffe's, so its bits are too. The call enqueues and returns.
#ifndef BARISTA_OPS_SPLIT_HPP_
#define BARISTA_OPS_SPLIT_HPP_

#include <vector>

#include "device/program.hpp"

namespace barista::ops {

// Overwrites diff_src. `diff_dsts` has at least one element; none of them is diff_src.
void split_backward(device::Program& program, const std::vector<const device::Buffer*>& diff_dsts, device::Buffer& diff_src,
                    int count);

}  // namespace barista::ops

#endif  // BARISTA_OPS_SPLIT_HPP_
