#include "layers/stock_code.hpp"

#include <algorithm>
#include <mutex>

#include "glog/logging.h"

namespace barista::layers {
namespace {

struct Reported {
  std::mutex mutex;
  std::vector<StockCodeLayer> layers;
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

std::string described(const caffe::LayerParameter& param) { return "layer " + param.name() + " (" + param.type() + ")"; }

void report_stock_code(const caffe::LayerParameter& param, const std::string& reason) {
  LOG(WARNING) << described(param) << " runs stock Caffe's code on the CPU: " << reason;
  const StockCodeLayer found = {param.name(), param.type(), reason};
  const std::lock_guard<std::mutex> lock(reported().mutex);
  std::vector<StockCodeLayer>& layers = reported().layers;
  const bool known = std::any_of(layers.begin(), layers.end(), [&](const StockCodeLayer& other) {
    return other.layer == found.layer && other.type == found.type && other.reason == found.reason;
  });
  if (!known) layers.push_back(found);
}

}  // namespace barista::layers
