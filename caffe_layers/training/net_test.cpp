#include "training/net_test.hpp"

#include <cmath>
#include <cstddef>
#include <utility>

#include "layers/label_check.hpp"
#include "training/outputs.hpp"

namespace barista::training {

using caffe::Blob;
using caffe::Net;
using nlohmann::json;

void NetTest::begin(Net<float>& tested, const Net<float>& trained) {
  tested.ShareTrainedLayersWith(&trained);
  scores_.clear();
  loss_ = 0;
  batches_ = 0;
}

void NetTest::batch(Net<float>& tested) {
  float loss = 0;
  const auto& outputs = tested.Forward(&loss);
  loss_ += loss;
  std::size_t score = 0;
  for (const Blob<float>* output : outputs) {
    const float* values = output->cpu_data();
    for (int i = 0; i < output->count(); ++i, ++score) {
      if (!std::isfinite(values[i])) {
        layers::check_labels(tested);
      }
      if (batches_ == 0) {
        scores_.push_back(values[i]);
      } else {
        scores_[score] += values[i];
      }
    }
  }
  ++batches_;
}

json NetTest::end(const Net<float>& tested, bool with_loss) const {
  json outputs = json::array();
  std::size_t score = 0;
  for (int i = 0; i < tested.num_outputs() && batches_ > 0; ++i) {
    json output = describe_output(tested, i);
    output["values"] = json::array();
    const int count = tested.output_blobs()[i]->count();
    for (int value = 0; value < count; ++value, ++score) {
      if (value < kReportedValues) {
        output["values"].push_back(scores_[score] / batches_);
      }
    }
    outputs.push_back(std::move(output));
  }
  json result = {{"outputs", std::move(outputs)}};
  if (with_loss && batches_ > 0) {
    result["loss"] = loss_ / batches_;
  }
  return result;
}

}  // namespace barista::training
