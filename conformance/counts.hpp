// What ran, layer by layer: calls of the FPGA layers, how many of them gave the device work, and calls of the stock code of the same
// layers. Layers of floats alone are counted: those of doubles are stock code by design.
#ifndef BARISTA_CONFORMANCE_COUNTS_HPP_
#define BARISTA_CONFORMANCE_COUNTS_HPP_

#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "caffe/layer.hpp"

namespace barista::conformance {

// The layers of conformance/table.py: kConvolution, ...
enum LayerId : int {
#define LAYER(Name) k##Name,
#include "layers.inc"
#undef LAYER
  kLayers
};

struct Counts {
  std::int64_t made = 0;  // objects constructed
  std::int64_t forward = 0;
  std::int64_t forward_on_device = 0;  // of these, calls that gave the device work
  std::int64_t backward = 0;
  std::int64_t backward_on_device = 0;
  std::int64_t stock = 0;  // calls of stock Caffe's forward or backward, by whomever
};

// Of the process. Tests run in one thread, and so do the calls that are counted.
extern std::array<Counts, kLayers> counts;

const char* layer_name(int layer);

// Kernels that this process has launched, and launches that were altered before they began: a layer may have its work in another's.
std::uint64_t works();

// An FPGA layer that counts its calls. It stands where a suite says the stock layer's name.
template <template <typename> class FpgaLayer, typename Dtype, LayerId id>
class Counted : public FpgaLayer<Dtype> {
 public:
  explicit Counted(const caffe::LayerParameter& param) : FpgaLayer<Dtype>(param) {
    if (kCounts) counts[id].made++;
  }

 protected:
  using Blobs = std::vector<caffe::Blob<Dtype>*>;

  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    if (!kCounts) return FpgaLayer<Dtype>::Forward_cpu(bottom, top);
    const std::uint64_t before = works();
    FpgaLayer<Dtype>::Forward_cpu(bottom, top);
    counts[id].forward++;
    if (works() != before) counts[id].forward_on_device++;
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    if (!kCounts) return FpgaLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
    const std::uint64_t before = works();
    FpgaLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
    counts[id].backward++;
    if (works() != before) counts[id].backward_on_device++;
  }

 private:
  static constexpr bool kCounts = std::is_same_v<Dtype, float>;
};

}  // namespace barista::conformance

#endif  // BARISTA_CONFORMANCE_COUNTS_HPP_
