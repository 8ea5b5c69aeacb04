#include "layers/device_layer.hpp"

#include <nlohmann/json.hpp>

namespace barista::layers {
namespace {

// What is wrong with a param_str; nothing where it is right.
std::string fault(const std::string& text, const std::string& type) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return "must be JSON";
  if (!json.is_object()) return "must be a JSON object";
  if (!json.empty()) return "has the key '" + json.begin().key() + "', " + type + " defines none";
  return "";
}

}  // namespace

void check_param_str(const caffe::LayerParameter& param) {
  const std::string& text = param.python_param().param_str();
  if (text.empty()) return;
  const std::string wrong = fault(text, param.type());
  if (!wrong.empty()) LOG(FATAL) << described(param) << ": python_param.param_str '" << text << "' " << wrong;
}

void at_caffes_edge(const caffe::LayerParameter& param, const std::function<void()>& work) {
  try {
    work();
  } catch (const device::Error& error) {
    LOG(FATAL) << described(param) << ": " << error.what();
  }
}

device::DeviceManager& device_of(const caffe::LayerParameter& param) {
  device::DeviceManager* device = nullptr;
  at_caffes_edge(param, [&] { device = &device::DeviceManager::instance(); });
  return *device;
}

}  // namespace barista::layers
