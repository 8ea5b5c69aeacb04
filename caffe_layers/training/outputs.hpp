// What a net's outputs are, for those who show them: names, loss weights, and what an Accuracy layer's mean.
#ifndef BARISTA_TRAINING_OUTPUTS_HPP_
#define BARISTA_TRAINING_OUTPUTS_HPP_

#include "caffe/net.hpp"
#include "nlohmann/json.hpp"

namespace barista::training {

// An output blob may hold a value for each image; a report of it need not.
constexpr int kReportedValues = 16;

// What is known of output number `index` besides its values: {"name", "loss_weight", "type": of the layer that makes it, as in stock
// Caffe, and of an Accuracy layer "top_k" and "first_top"}.
nlohmann::json describe_output(const caffe::Net<float>& net, int index);

// All of them, as describe_output() has them, with "values": the first kReportedValues.
nlohmann::json outputs_of(const caffe::Net<float>& net);

}  // namespace barista::training

#endif  // BARISTA_TRAINING_OUTPUTS_HPP_
