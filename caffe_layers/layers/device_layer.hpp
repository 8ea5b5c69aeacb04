// The base of every layer on the device. It derives from the stock layer, whose LayerSetUp and Reshape it calls and whose blobs it keeps,
// and decides in Reshape whether the device or stock code runs; memory is coherent, so either may follow the other.
//
//   template <typename Dtype>
//   class FPGALRNLayer : public barista::layers::DeviceLayer<FPGALRNLayer, LRNLayer, Dtype> { ... };
//
// A layer defines forward_on_device(bottom, top) and redefines what it needs of the functions that stand here as public ones. They are
// not virtual: DeviceLayer calls those of its Derived. The device computes in single precision and a net of doubles runs stock
// code, so what runs on the device is defined for float alone (`template <> void FPGALRNLayer<float>::plan(...)`).
#ifndef BARISTA_LAYERS_DEVICE_LAYER_HPP_
#define BARISTA_LAYERS_DEVICE_LAYER_HPP_

#include <algorithm>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "caffe/layer.hpp"
#include "device/program.hpp"
#include "layers/programs.hpp"
#include "layers/stock_code.hpp"
#include "memory/device_memory.hpp"
#include "plan/unsupported.hpp"

namespace barista::layers {

// Whether a layer's numbers are those of the device.
template <typename Dtype>
inline constexpr bool kOnDevice = std::is_same_v<Dtype, float>;

// Reads python_param.param_str, where a prototxt says what stock messages have no field for: a JSON object, whose one key is "bitstream"
// (layers/programs.hpp). Ends the process in Caffe's way (LOG(FATAL)) with a sentence where it is something else.
void check_param_str(const caffe::LayerParameter& param);

// Runs `work`, whose device::Error ends the process in Caffe's way: above this there is nobody who could handle it.
void at_caffes_edge(const caffe::LayerParameter& param, const std::function<void()>& work);

// The program that a layer runs by: the one that its param_str names, else the process's default. Opens it where it isn't open; a failure ends
// the process in Caffe's way. The only way to a program in layers/.
device::Program& program_of(const caffe::LayerParameter& param);

template <template <typename> class Derived, template <typename> class Stock, typename Dtype>
class DeviceLayer : public Stock<Dtype>, public RunsByProgram {
 public:
  using Blobs = std::vector<caffe::Blob<Dtype>*>;

  explicit DeviceLayer(const caffe::LayerParameter& param) : Stock<Dtype>(param) {}

  void LayerSetUp(const Blobs& bottom, const Blobs& top) override {
    check_param_str(this->layer_param_);
    Stock<Dtype>::LayerSetUp(bottom, top);
    derived().set_up(bottom, top);
    if constexpr (kOnDevice<Dtype>) program_ = &program_of(this->layer_param_);
  }

  void Reshape(const Blobs& bottom, const Blobs& top) override {
    Stock<Dtype>::Reshape(bottom, top);
    if (derived().has_nothing_to_do(bottom, top)) return;
    const std::string reason = why_not_on_device(bottom, top);
    on_device_ = reason.empty();
    if (on_device_) return;
    derived().before_stock_code(reason);
    if (!reported_) report_stock_code(this->layer_param_, reason);
    reported_ = true;
  }

  device::Program* program_or_null() const override { return program_; }

  // --- what a layer may define anew ---

  // Called after stock Caffe's LayerSetUp.
  void set_up(const Blobs& /*bottom*/, const Blobs& /*top*/) {}
  // Where this is true no pass computes anything, neither on the device nor in stock code.
  bool has_nothing_to_do(const Blobs& /*bottom*/, const Blobs& /*top*/) const { return false; }
  // A reason of the layer's own to run stock code, or "".
  std::string why_stock_code(const Blobs& /*bottom*/, const Blobs& /*top*/) const { return ""; }
  // Plans for these shapes; called when those of the bottoms have changed. Stock code runs where it throws plan::Unsupported.
  void plan(const Blobs& /*bottom*/, const Blobs& /*top*/) {}
  // Called when stock code is going to run: for layers of which stock Caffe has none.
  void before_stock_code(const std::string& /*reason*/) const {}
  // That of a layer without a gradient is stock Caffe's, which says so.
  void backward_on_device(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) {
    Stock<Dtype>::Backward_cpu(top, propagate_down, bottom);
  }

 protected:
  void Forward_cpu(const Blobs& bottom, const Blobs& top) override {
    if (derived().has_nothing_to_do(bottom, top)) return;
    if constexpr (kOnDevice<Dtype>) {
      if (on_device_) return at_caffes_edge(this->layer_param_, [&] { derived().forward_on_device(bottom, top); });
    }
    Stock<Dtype>::Forward_cpu(bottom, top);
  }

  void Backward_cpu(const Blobs& top, const std::vector<bool>& propagate_down, const Blobs& bottom) override {
    const bool wanted =
        !this->blobs_.empty() || std::find(propagate_down.begin(), propagate_down.end(), true) != propagate_down.end();
    if (!wanted || derived().has_nothing_to_do(bottom, top)) return;
    if constexpr (kOnDevice<Dtype>) {
      if (on_device_) return at_caffes_edge(this->layer_param_, [&] { derived().backward_on_device(top, propagate_down, bottom); });
    }
    Stock<Dtype>::Backward_cpu(top, propagate_down, bottom);
  }

  // From LayerSetUp on.
  device::Program& program() const { return *program_; }
  // A blob's data or gradient on the device of that program.
  memory::Access data(const caffe::Blob<float>& blob, memory::Use use) const { return memory::data(blob, use, program_->device()); }
  memory::Access diff(const caffe::Blob<float>& blob, memory::Use use) const { return memory::diff(blob, use, program_->device()); }

 private:
  Derived<Dtype>& derived() { return static_cast<Derived<Dtype>&>(*this); }

  std::string why_not_on_device(const Blobs& bottom, const Blobs& top) {
    if constexpr (!kOnDevice<Dtype>) {
      return "the net is of doubles, the device computes in single precision";
    } else {
      std::string reason = derived().why_stock_code(bottom, top);
      if (!reason.empty()) return reason;
      const auto is_empty = [](const caffe::Blob<Dtype>* blob) { return blob->count() == 0; };
      if (std::any_of(bottom.begin(), bottom.end(), is_empty) || std::any_of(top.begin(), top.end(), is_empty))
        return "a blob of it is empty";
      return why_not_planned(bottom, top);
    }
  }

  // Caffe reshapes before every forward pass, nearly always to the same shapes.
  const std::string& why_not_planned(const Blobs& bottom, const Blobs& top) {
    const auto has_shape = [](const caffe::Blob<Dtype>* blob, const std::vector<int>& shape) { return blob->shape() == shape; };
    if (std::equal(bottom.begin(), bottom.end(), planned_for_.begin(), planned_for_.end(), has_shape)) return unsupported_;
    planned_for_.clear();
    for (const caffe::Blob<Dtype>* blob : bottom) planned_for_.push_back(blob->shape());
    unsupported_.clear();
    try {
      at_caffes_edge(this->layer_param_, [&] { derived().plan(bottom, top); });
    } catch (const plan::Unsupported& error) {
      unsupported_ = error.what();
    }
    return unsupported_;
  }

  device::Program* program_ = nullptr;
  bool on_device_ = false;
  bool reported_ = false;
  std::vector<std::vector<int>> planned_for_;  // shapes of the bottoms
  std::string unsupported_;                    // why there is no plan for them
};

}  // namespace barista::layers

#endif  // BARISTA_LAYERS_DEVICE_LAYER_HPP_
