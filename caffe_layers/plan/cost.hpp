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
  std::int64_t steps = 0;          // iterations of the kernels' innermost pipelined loops
  std::int64_t loaded = 0;         // elements read from external memory, each as often as it is read
  std::int64_t stored = 0;         // elements written to it
  std::int64_t multiply_adds = 0;  // useful ones: without those of padding

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
