#include "ops/packed_weights.hpp"

#include <string>
#include <vector>

#include "ops/uploaded.hpp"
#include "plan/units.hpp"

namespace barista::ops {

std::size_t PackedWeights::add(const plan::PassPlan& pass) {
  packed_ = device::Buffer();
  return layouts_.add(pass.packed, pass.plan.packed_floats);
}

void PackedWeights::allocate() {
  packed_ = zeros(program_, layouts_.floats());
  taps_ = uploaded(program_, layouts_.taps());
  on_device_ = uploaded(program_, layouts_.layouts());
  packed_version_ = 0;
}

const device::Buffer& PackedWeights::pack(const device::Buffer& weights) {
  using device::Argument;
  if (!packed_) allocate();
  if (packed_version_ == weights.version()) return packed_;
  std::vector<device::Launch> group;
  for (const plan::UnitRange& vectors :
       plan::share_out(layouts_.vectors(), plan::units_for(program_.recipe(), double(layouts_.floats())))) {
    const int unit = int(group.size());
    group.push_back({"pack_weights_" + std::to_string(unit),
                     unit,
                     {Argument::in(weights), Argument::in(taps_), Argument::in(on_device_), Argument::inout(packed_),
                      Argument::value(vectors.begin), Argument::value(vectors.end)}});
  }
  program_.launch(group);
  packed_version_ = weights.version();
  return packed_;
}

}  // namespace barista::ops
