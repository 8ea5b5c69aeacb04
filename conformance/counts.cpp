#include "counts.hpp"

#include "layers/programs.hpp"

namespace barista::conformance {

std::array<Counts, kLayers> counts;

const char* layer_name(int layer) {
  static const char* const kNames[] = {
#define LAYER(Name) #Name,
#include "layers.inc"
#undef LAYER
  };
  return kNames[layer];
}

std::uint64_t works() {
  const device::Counters counters = layers::Programs::of_process().counters();
  return counters.launches + counters.fused;
}

}  // namespace barista::conformance
