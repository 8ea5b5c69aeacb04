#include "layers/stock_code.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "glog/logging.h"

namespace barista::layers {
namespace {

struct Reported {
  std::mutex mutex;
  std::vector<StockCodeLayer> layers;
  std::function<void(const StockCodeLayer&)> tell;
};

Reported& reported() {
  static Reported all;
  return all;
}

}  // namespace

std::vector<StockCodeLayer> stock_code_layers() {
  const std::lock_guard<std::mutex> lock(reported().mutex);
  return reported().layers;
}

void on_stock_code(std::function<void(const StockCodeLayer&)> tell) {
  const std::lock_guard<std::mutex> lock(reported().mutex);
  reported().tell = std::move(tell);
}

std::string described(const caffe::LayerParameter& param) { return "layer " + param.name() + " (" + param.type() + ")"; }

void report_stock_code(const caffe::LayerParameter& param, const std::string& reason) {
  LOG(WARNING) << described(param) << " runs stock Caffe's code on the CPU: " << reason;
  const StockCodeLayer found = {param.name(), param.type(), reason};
  std::function<void(const StockCodeLayer&)> tell;
  {
    const std::lock_guard<std::mutex> lock(reported().mutex);
    std::vector<StockCodeLayer>& layers = reported().layers;
    const bool known = std::any_of(layers.begin(), layers.end(), [&](const StockCodeLayer& other) {
      return other.layer == found.layer && other.type == found.type && other.reason == found.reason;
    });
    if (known) return;
    layers.push_back(found);
    tell = reported().tell;
  }
  if (tell) tell(found);  // without the lock: it may ask for the layers
}

}  // namespace barista::layers
