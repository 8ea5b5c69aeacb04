#include "counts.hpp"

#include "device/device_manager.hpp"

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
  const device::Counters counters = device::DeviceManager::instance().counters();
  return counters.launches + counters.amended;
}

}  // namespace barista::conformance
