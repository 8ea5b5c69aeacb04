#include "training/outputs.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "training/not_finite.hpp"

namespace barista::training {
namespace {

using caffe::Blob;
using caffe::Net;
using nlohmann::json;

// The layer that makes `blob`: the last one that has it as a top, since layers may work in place.
const caffe::LayerParameter* maker_of(const Net<float>& net, const Blob<float>* blob) {
  for (std::size_t i = net.layers().size(); i-- > 0;) {
    for (const Blob<float>* top : net.top_vecs()[i]) {
      if (top == blob) {
        return &net.layers()[i]->layer_param();
      }
    }
  }
  return nullptr;
}

}  // namespace

json describe_output(const Net<float>& net, int index) {
  const int blob_index = net.output_blob_indices()[index];
  json output = {{"name", net.blob_names()[blob_index]}, {"loss_weight", net.blob_loss_weights()[blob_index]}};
  if (const auto* maker = maker_of(net, net.output_blobs()[index])) {
    const std::string type = stock_type(*maker);
    output["type"] = type;
    if (type == "Accuracy") {
      output["top_k"] = maker->accuracy_param().top_k();
      // A second top holds the accuracy of each class.
      output["first_top"] = maker->top(0) == net.blob_names()[blob_index];
    }
  }
  return output;
}

json outputs_of(const Net<float>& net) {
  json outputs = json::array();
  for (int i = 0; i < net.num_outputs(); ++i) {
    json output = describe_output(net, i);
    const Blob<float>& blob = *net.output_blobs()[i];
    output["values"] = std::vector<float>(blob.cpu_data(), blob.cpu_data() + std::min(blob.count(), kReportedValues));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

}  // namespace barista::training
