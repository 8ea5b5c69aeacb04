// What kernels that were built with counters (opencl_kernels/counted.h) did.
#ifndef BARISTA_TESTS_SUPPORT_COUNTED_HPP_
#define BARISTA_TESTS_SUPPORT_COUNTED_HPP_

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <ostream>
#include <stdexcept>
#include <vector>

#include "device/program.hpp"
#include "plan/cost.hpp"

namespace barista::plan {

// Multiply-adds are not among what kernels count: they do those of padding too.
inline bool operator==(const Cost& a, const Cost& b) {
  return a.launches == b.launches && a.steps == b.steps && a.loaded == b.loaded && a.stored == b.stored;
}
inline void PrintTo(const Cost& cost, std::ostream* out) {
  *out << cost.launches << " launches, " << cost.steps << " steps, " << cost.loaded << " loaded, " << cost.stored << " stored";
}

}  // namespace barista::plan

namespace barista::testing {

// The memory in which kernels count: steps, loaded, stored.
inline volatile std::uint32_t* kernel_counters() {
  static auto* const counters = [] {
    void* const wanted = reinterpret_cast<void*>(0x200000000000);  // COUNTERS of counted.h
    void* const there =
        mmap(wanted, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, /*fd=*/-1, /*offset=*/0);
    if (there != wanted) throw std::runtime_error("the address at which kernels count is taken");
    return static_cast<volatile std::uint32_t*>(there);
  }();
  return counters;
}

// What the kernels do that `operation` launches.
template <typename Operation>
plan::Cost counted(device::Program& program, const Operation& operation) {
  volatile std::uint32_t* const counters = kernel_counters();
  program.device().finish();
  for (int i = 0; i < 3; i++) counters[i] = 0;
  const std::uint64_t launches = program.device().counters().launches;
  operation();
  program.device().finish();
  plan::Cost cost;
  cost.launches = static_cast<std::int64_t>(program.device().counters().launches - launches);
  cost.steps = counters[0];
  cost.loaded = counters[1];
  cost.stored = counters[2];
  return cost;
}

// The cost of one pass among those of an operation. Fails the test where there is none of the name.
inline plan::Cost cost_of(const std::vector<plan::PassCost>& costs, const std::string& pass) {
  for (const plan::PassCost& cost : costs)
    if (cost.pass == pass) return cost.cost;
  ADD_FAILURE() << "no pass " << pass;
  return {};
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_COUNTED_HPP_
