// What the FPGA layers share: settings of their own, errors at Caffe's edge, and the choice between the device and stock code.
//
// An FPGA layer derives from the stock layer, whose LayerSetUp and Reshape it calls and whose blobs it keeps. Its forward and
// backward hand device buffers to one op. What the op can't do stock code does; memory is coherent, so either may follow the other.
#ifndef BARISTA_LAYERS_FPGA_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_LAYER_HPP_

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "caffe/layer.hpp"
#include "device/device_manager.hpp"
#include "memory/device_memory.hpp"
#include "plan/unsupported.hpp"

namespace barista::layers {

// The device computes in single precision; a net of doubles runs stock code.
template <typename Dtype>
inline constexpr bool kOnDevice = std::is_same_v<Dtype, float>;

// Reads python_param.param_str, where a prototxt says what stock messages have no field for: a JSON object. FPGA layers define no
// key so far, so any is an error. Ends the process in Caffe's way (LOG(FATAL)) with a sentence.
void check_param_str(const caffe::LayerParameter& param);

// Runs `work`, whose device::Error ends the process in Caffe's way: above this there is nobody who could handle it.
void at_caffes_edge(const caffe::LayerParameter& param, const std::function<void()>& work);

// Warns in the log that stock code runs in place of the device, and says why.
void log_stock_code(const caffe::LayerParameter& param, const std::string& reason);

// The op of a layer for the shapes it was last reshaped to, or none where stock code runs.
template <typename Op>
class PlannedOp {
 public:
  // Plans with `make` where `shape` is not the one that was planned for; Caffe reshapes before every forward. Stock code runs where
  // `declined` gives a reason or the op refuses the shape; that is logged the first time.
  void reshape(const caffe::LayerParameter& param, const std::vector<int>& shape, const std::string& declined,
               const std::function<std::unique_ptr<Op>(device::DeviceManager&)>& make) {
    if (planned_ && shape == shape_) return;
    planned_ = true;
    shape_ = shape;
    op_.reset();
    if (!declined.empty()) return stock_code(param, declined);
    device::DeviceManager* manager = nullptr;
    at_caffes_edge(param, [&] { manager = &device::DeviceManager::instance(); });
    try {
      op_ = make(*manager);
    } catch (const plan::Unsupported& error) {
      stock_code(param, error.what());
    }
  }

  explicit operator bool() const { return op_ != nullptr; }
  Op* operator->() { return op_.get(); }

 private:
  void stock_code(const caffe::LayerParameter& param, const std::string& reason) {
    if (!logged_) log_stock_code(param, reason);
    logged_ = true;
  }

  bool planned_ = false;
  std::vector<int> shape_;
  std::unique_ptr<Op> op_;
  bool logged_ = false;
};

}  // namespace barista::layers

#endif  // BARISTA_LAYERS_FPGA_LAYER_HPP_
