// Where a layer runs that has no limits of its own: on the device, or in stock code, and why.
#ifndef BARISTA_LAYERS_DECLINED_HPP_
#define BARISTA_LAYERS_DECLINED_HPP_

#include <string>
#include <vector>

#include "layers/fpga_layer.hpp"

namespace barista::layers {

// A reason where the net is of doubles or one of `blobs` is empty; nothing where the device may run.
template <typename Dtype>
std::string declined(const std::vector<caffe::Blob<Dtype>*>& blobs) {
  if (!kOnDevice<Dtype>) return "the net is of doubles, the device computes in single precision";
  for (const caffe::Blob<Dtype>* blob : blobs)
    if (blob->count() == 0) return "a blob of it is empty";
  return "";
}

// The same for a layer whose op needs no plan. Opens the device where it is to be used.
class DeviceOrStock {
 public:
  // Stock code runs where `declined` gives a reason; that is logged the first time.
  void reshape(const caffe::LayerParameter& param, const std::string& declined) {
    on_device_ = declined.empty();
    if (on_device_) return at_caffes_edge(param, [] { device::DeviceManager::instance(); });
    if (!logged_) log_stock_code(param, declined);
    logged_ = true;
  }
  bool on_device() const { return on_device_; }

 private:
  bool on_device_ = false, logged_ = false;
};

}  // namespace barista::layers

#endif  // BARISTA_LAYERS_DECLINED_HPP_
