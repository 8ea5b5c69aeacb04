// A layer's weights as its passes on the PE array read them.
#ifndef BARISTA_OPS_PACKED_WEIGHTS_HPP_
#define BARISTA_OPS_PACKED_WEIGHTS_HPP_

#include <cstddef>
#include <cstdint>

#include "device/program.hpp"
#include "plan/multiply_plan.hpp"
#include "plan/packed_layout.hpp"

namespace barista::ops {

// In as many layouts as the passes want, kept on the device until Caffe's weights change. One launch a unit packs them all.
class PackedWeights {
 public:
  explicit PackedWeights(device::Program& program) : program_(program) {}
  // Packs for this pass too from now on. Returns where, in elements.
  std::size_t add(const plan::PassPlan& pass);
  // Packs `weights` if they aren't what was packed last; returns the packed ones.
  const device::Buffer& pack(const device::Buffer& weights);

 private:
  void allocate();

  device::Program& program_;
  plan::PackedLayouts layouts_;
  device::Buffer packed_, taps_, on_device_;  // on_device_: the layouts
  std::uint64_t packed_version_ = 0;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_PACKED_WEIGHTS_HPP_
