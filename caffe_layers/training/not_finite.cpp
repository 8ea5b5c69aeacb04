#include "training/not_finite.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

namespace barista::training {
namespace {

using caffe::Blob;
using caffe::Net;
using nlohmann::json;

// The first value of `blob` that is not finite, or null.
const float* not_finite(const Blob<float>& blob) {
  if (blob.count() == 0) {
    return nullptr;
  }
  const float* begin = blob.cpu_data();
  const float* end = begin + blob.count();
  const float* found = std::find_if(begin, end, [](float value) { return !std::isfinite(value); });
  return found == end ? nullptr : found;
}

json describe(const Net<float>& net, std::size_t layer, float value) {
  return {{"layer", net.layers()[layer]->layer_param().name()},
          {"type", stock_type(net.layers()[layer]->layer_param())},
          {"data", net.bottom_vecs()[layer].empty()},
          {"parameter", nullptr},
          {"blob", nullptr},
          {"value", name_of_not_finite(value)},
          {"in_place", json::array()}};
}

json parameter_of(const Net<float>& net, std::size_t layer) {
  const auto& blobs = net.layers()[layer]->blobs();
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    if (const float* value = not_finite(*blobs[i])) {
      json found = describe(net, layer, *value);
      found["parameter"] = i;
      return found;
    }
  }
  return nullptr;
}

json top_of(const Net<float>& net, std::size_t layer) {
  const auto& tops = net.top_vecs()[layer];
  for (std::size_t i = 0; i < tops.size(); ++i) {
    if (const float* value = not_finite(*tops[i])) {
      json found = describe(net, layer, *value);
      found["blob"] = net.blob_names()[net.top_ids(static_cast<int>(layer))[i]];
      // What the layer made is gone where another one worked in place, so both are named.
      for (std::size_t later = layer + 1; later < net.layers().size(); ++later) {
        const auto& overwritten = net.top_vecs()[later];
        if (std::find(overwritten.begin(), overwritten.end(), tops[i]) != overwritten.end()) {
          found["in_place"].push_back(net.layers()[later]->layer_param().name());
        }
      }
      return found;
    }
  }
  return nullptr;
}

}  // namespace

std::string stock_type(const caffe::LayerParameter& layer) {
  const std::string prefix = "FPGA";
  return layer.type().compare(0, prefix.size(), prefix) == 0 ? layer.type().substr(prefix.size()) : layer.type();
}

const char* name_of_not_finite(float value) { return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"; }

json first_not_finite_parameter(const Net<float>& net) {
  for (std::size_t layer = 0; layer < net.layers().size(); ++layer) {
    if (json found = parameter_of(net, layer); !found.is_null()) {
      return found;
    }
  }
  return nullptr;
}

json first_not_finite(const Net<float>& net) {
  for (std::size_t layer = 0; layer < net.layers().size(); ++layer) {
    if (json found = parameter_of(net, layer); !found.is_null()) {
      return found;
    }
    if (json found = top_of(net, layer); !found.is_null()) {
      return found;
    }
  }
  return nullptr;
}

}  // namespace barista::training
