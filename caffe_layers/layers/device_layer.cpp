#include "layers/device_layer.hpp"

#include <nlohmann/json.hpp>

namespace barista::layers {
namespace {

// What is wrong with a param_str; nothing where it is right.
std::string fault(const std::string& text, const std::string& type) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return "must be JSON";
  if (!json.is_object()) return "must be a JSON object";
  for (const auto& [key, value] : json.items()) {
    if (key != "bitstream")
      return std::string("has the key '").append(key).append("', ").append(type).append(" defines 'bitstream' alone");
    if (!value.is_string()) return "must name a bitstream by a string";
  }
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

device::Program& program_of(const caffe::LayerParameter& param) {
  check_param_str(param);
  const std::string& text = param.python_param().param_str();
  const auto settings = text.empty() ? nlohmann::json::object() : nlohmann::json::parse(text);
  device::Program* program = nullptr;
  at_caffes_edge(param, [&] {
    Programs& programs = Programs::of_process();
    program = settings.contains("bitstream") ? &programs.named(settings["bitstream"].get<std::string>()) : &programs.standard();
  });
  return *program;
}

}  // namespace barista::layers
