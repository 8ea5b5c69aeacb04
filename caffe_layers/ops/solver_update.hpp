// A solver's step on the device: the six methods of stock Caffe, with weight decay and clipping. solver_rule.h has the formulas.
//
// weights, diff_weights, first, second: float [count]. diff_weights is left holding what was taken off the weights. Every call enqueues
// and returns.
#ifndef BARISTA_OPS_SOLVER_UPDATE_HPP_
#define BARISTA_OPS_SOLVER_UPDATE_HPP_

#include "device/program.hpp"
#include "interface/solver_rule.h"

namespace barista::ops {

// Whether the method keeps a second history.
bool has_second_history(const solver_rule& rule);

// `second` may be null where the method has none, `norm` where rule.largest_norm is negative.
void solver_update(device::Program& program, const solver_rule& rule, device::Buffer& weights, device::Buffer& diff_weights,
                   device::Buffer& first, device::Buffer* second, const device::Buffer* norm, int count);

// Adds the sum of squares of `diff_weights` to the one float in `norm`; `begins` sets it instead.
void add_squared_norm(device::Program& program, const device::Buffer& diff_weights, device::Buffer& norm, bool begins, int count);

}  // namespace barista::ops

#endif  // BARISTA_OPS_SOLVER_UPDATE_HPP_
