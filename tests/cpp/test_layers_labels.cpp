// Layers that take a blob's values for numbers of classes, rows or items say which number is none (layers/label_check.hpp).
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "google/protobuf/text_format.h"
#include "layers/label_check.hpp"
#include "memory/device_memory.hpp"
#include "support/layer_rig.hpp"

namespace barista::testing {
namespace {

// Layers that choose by a blob's value, bottoms that suit them, and which bottom it is. All choose from 5.
struct Chooser {
  std::string type;
  std::vector<Shape> bottoms;
  int bottom;
};
const std::vector<Chooser> kChoosers = {{"SoftmaxWithLoss", {{3, 5, 2}, {3, 2}}, 1},
                                        {"FPGASoftmaxWithLoss", {{3, 5, 2}, {3, 2}}, 1},
                                        {"Accuracy", {{3, 5, 2}, {3, 2}}, 1},
                                        {"FPGAAccuracy", {{3, 5, 2}, {3, 2}}, 1},
                                        {"HingeLoss", {{3, 5}, {3}}, 1},
                                        {"InfogainLoss", {{3, 5}, {3}, {1, 1, 5, 5}}, 1},
                                        {"Embed", {{3, 2}}, 0},
                                        {"BatchReindex", {{5, 2}, {7}}, 1},
                                        {"MultinomialLogisticLoss", {{3, 5}, {3}}, 1}};

template <typename Dtype>
void forward_with(const Chooser& chooser, Dtype number) {
  LayerParameter param;
  param.set_type(chooser.type), param.set_name("chooser");
  param.mutable_embed_param()->set_input_dim(5), param.mutable_embed_param()->set_num_output(2);
  std::vector<std::unique_ptr<Blob<Dtype>>> blobs;
  std::vector<Blob<Dtype>*> bottom;
  for (const Shape& shape : chooser.bottoms) bottom.push_back(blobs.emplace_back(std::make_unique<Blob<Dtype>>(shape)).get());
  Blob<Dtype>& numbers = *bottom[chooser.bottom];
  numbers.mutable_cpu_data()[numbers.count() - 1] = number;
  Blob<Dtype> top;
  const auto layer = caffe::LayerRegistry<Dtype>::CreateLayer(param);
  layer->SetUp(bottom, {&top});
  layer->Forward(bottom, {&top});
}

template <typename Dtype>
void expect_choices_are_looked_at() {
  for (const Chooser& chooser : kChoosers) {
    SCOPED_TRACE(chooser.type);
    for (const Dtype number : {0.0, 4.0, 4.9}) forward_with<Dtype>(chooser, number);
    for (const Dtype number : {5.0, -1.0, static_cast<double>(NAN)})
      EXPECT_DEATH(forward_with<Dtype>(chooser, number), "layer 'chooser': .* is none of the 5 .*, which are 0 to 4;");
  }
}

TEST_F(LayersTest, ANumberThatChoosesNothingIsSaid) { expect_choices_are_looked_at<float>(); }
TEST_F(LayersTest, ANumberThatChoosesNothingIsSaidInNetsOfDoubles) { expect_choices_are_looked_at<double>(); }

TEST_F(LayersTest, LabelsOfTheDeviceAreLookedAtOnlyWhenAsked) {
  caffe::NetParameter param;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 4 dim: 5 } shape { dim: 4 dim: 2 } } }
      layer { name: "cut" type: "FPGASlice" bottom: "y" top: "a" top: "b" slice_param { axis: 1 } }
      layer { name: "loss" type: "FPGASoftmaxWithLoss" bottom: "x" bottom: "a" top: "loss" }
      layer { name: "right" type: "FPGAAccuracy" bottom: "x" bottom: "b" top: "right" accuracy_param { ignore_label: -1 } })",
                                                            &param));
  param.mutable_state()->set_phase(caffe::TRAIN);
  caffe::Net<float> net(param);
  Blob<float>& labels = *net.blob_by_name("y");
  net.Forward();
  EXPECT_EQ(layers::first_bad_label(net), "");
  if (!memory::hook_is_live()) return;  // the host has all labels then
  labels.mutable_cpu_data()[7] = -1;
  const std::uint64_t before = device().counters().downloads;
  net.Forward();
  EXPECT_EQ(device().counters().downloads - before, 1) << "the loss";
  EXPECT_EQ(layers::first_bad_label(net), "") << "-1 is ignored";
  labels.mutable_cpu_data()[7] = 9;
  net.Forward();
  EXPECT_TRUE(std::isnan(net.blob_by_name("right")->cpu_data()[0]));
  EXPECT_EQ(layers::first_bad_label(net).rfind("layer 'right': label 9 (value 3 of its batch, from 0) is none of the 5 classes", 0),
            0);
  labels.mutable_cpu_data()[2] = 5;
  net.Forward();
  EXPECT_TRUE(std::isnan(net.blob_by_name("loss")->cpu_data()[0]));
  EXPECT_EQ(layers::first_bad_label(net).rfind("layer 'loss': label 5 (value 1 of its batch, from 0) is none of the 5 classes", 0),
            0);
}

}  // namespace
}  // namespace barista::testing
