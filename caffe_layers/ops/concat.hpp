// Concatenation along an axis: dst[r] = parts[0][r], parts[1][r], ... for each row r.
//
// parts[i] float [rows][runs[i]], dst float [rows][sum of runs]. The call enqueues and returns.
#ifndef BARISTA_OPS_CONCAT_HPP_
#define BARISTA_OPS_CONCAT_HPP_

#include <vector>

#include "device/program.hpp"

namespace barista::ops {

// Overwrites dst. `runs` has as many elements as `parts`.
void concat(device::Program& program, const std::vector<const device::Buffer*>& parts, const std::vector<int>& runs, int rows,
            device::Buffer& dst);

}  // namespace barista::ops

#endif  // BARISTA_OPS_CONCAT_HPP_
