#include "ops/packed_weights.hpp"

#include "ops/units.hpp"
#include "ops/uploaded.hpp"

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
  if (packed_version_ != weights.version()) {
    launch_shares(program_, "pack_weights_",
                  {Argument::in(weights), Argument::in(taps_), Argument::in(on_device_), Argument::inout(packed_)},
                  layouts_.vectors(), 1, double(layouts_.floats()));
    packed_version_ = weights.version();
  }
  return packed_;
}

}  // namespace barista::ops
