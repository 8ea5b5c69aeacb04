// What a pass of an operation does on the device, counted from its plan: the trip counts of the kernels' loops and the elements that they
// move. A test holds them against counters in the kernels themselves.
#ifndef BARISTA_PLAN_COST_HPP_
#define BARISTA_PLAN_COST_HPP_

#include <cstdint>
#include <string>
#include <vector>

namespace barista::plan {

// Sums over all launches of the pass, on all compute units.
struct Cost {
  std::int64_t launches = 0;
  // Iterations of the kernels' innermost loops, but for those that are unrolled; of loops that become one, those of the longer.
  std::int64_t steps = 0;
  // Elements of tensors that are read from external memory, each as often as it is read, and that are written to it. Neither what tells
  // kernels of their work (tiles, jobs, taps) nor the few floats in which the units' sums meet.
  std::int64_t loaded = 0;
  std::int64_t stored = 0;
  // Of convolutions, deconvolutions and inner products: those of products that count, without those of padding.
  std::int64_t multiply_adds = 0;

  Cost& operator+=(const Cost& other) {
    launches += other.launches;
    steps += other.steps;
    loaded += other.loaded;
    stored += other.stored;
    multiply_adds += other.multiply_adds;
    return *this;
  }
};

// A pass and what it costs: "forward", "backward", "backward data", "backward weights", "update", ...
struct PassCost {
  std::string pass;
  Cost cost;
};

}  // namespace barista::plan

#endif  // BARISTA_PLAN_COST_HPP_
