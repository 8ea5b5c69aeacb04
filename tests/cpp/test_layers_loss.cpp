// The layers of losses, accuracy and softmax, and those that join and part blobs, against stock Caffe's and its gradient checker.
//
// What copies, adds or counts must agree to the bit. Softmax and the losses use a device's exp and log, which may be 3 units in the
// last place off, and add in an order of their own: a loss may be 2e-6 of its size off, a probability or a gradient 2e-6 of the largest,
// about thirty units in the last place.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "caffe/caffe.hpp"
#include "caffe/test/test_gradient_check_util.hpp"
#include "google/protobuf/text_format.h"
#include "layers/fpga_split_layer.hpp"
#include "memory/device_memory.hpp"
#include "support/integers.hpp"
#include "support/layer_rig.hpp"

namespace barista::testing {
namespace {

constexpr double kOfTheLargest = 2e-6;

// Whole numbers from 0 to `classes` - 1 in place of what fill() wrote.
void fill_labels(Blob<float>& blob, int classes, std::uint32_t seed = 50) {
  const std::vector<float> values = integers(blob.count(), seed, 0, classes - 1);
  std::copy(values.begin(), values.end(), blob.mutable_cpu_data());
}

double largest(const Blob<float>& blob, bool diff) {
  double size = 0;
  for (const float value : contents(blob, diff)) size = std::max<double>(size, std::abs(value));
  return size;
}

void expect_close(const Blob<float>& found, const Blob<float>& expected, bool diff, const std::string& what) {
  expect_same(found, expected, diff, kOfTheLargest * largest(expected, diff), what);
}

using Prepare = std::function<void(Rig&)>;

// Forward and backward of a loss, stock and on the device, with what `prepare` puts into the bottoms.
void expect_stock_loss(const LayerParameter& param, const std::string& type, const std::vector<Shape>& bottoms,
                       const Prepare& prepare, const std::vector<bool>& propagate_down = {true, false}) {
  Rig stock(param, type, bottoms, 1), fpga(param, "FPGA" + type, bottoms, 1);
  for (Rig* rig : {&stock, &fpga}) {
    prepare(*rig);
    rig->forward();
    rig->top[0]->mutable_cpu_diff()[0] = 3;
    rig->layer->Backward(rig->top, propagate_down, rig->bottom);
  }
  // Stock Caffe adds a loss's terms one by one: each addition may round by 2^-24, and equal terms round alike.
  const double rounding = std::ldexp(stock.bottom[0]->count(), -24);
  expect_same(*fpga.top[0], *stock.top[0], false, (kOfTheLargest + rounding) * largest(*stock.top[0], false), "loss");
  for (std::size_t i = 0; i < bottoms.size(); i++)
    expect_close(*fpga.bottom[i], *stock.bottom[i], true, "diff of bottom " + std::to_string(i));
}

// Settings of loss_param: every normalisation, in both ways to say it, with and without a label that is ignored.
std::vector<std::pair<std::string, LayerParameter>> loss_params() {
  std::vector<std::pair<std::string, LayerParameter>> all = {{"as it comes", LayerParameter()}};
  for (const bool ignores : {false, true}) {
    for (int mode = caffe::LossParameter_NormalizationMode_FULL; mode <= caffe::LossParameter_NormalizationMode_NONE; mode++) {
      LayerParameter param;
      param.mutable_loss_param()->set_normalization(static_cast<caffe::LossParameter_NormalizationMode>(mode));
      if (ignores) param.mutable_loss_param()->set_ignore_label(1);
      all.emplace_back("normalization " + std::to_string(mode) + (ignores ? ", ignores 1" : ""), param);
    }
    for (const bool normalize : {false, true}) {
      LayerParameter param;
      param.mutable_loss_param()->set_normalize(normalize);
      if (ignores) param.mutable_loss_param()->set_ignore_label(0);
      all.emplace_back("normalize " + std::to_string(normalize) + (ignores ? ", ignores 0" : ""), param);
    }
  }
  return all;
}

struct Axis {
  int axis;
  Shape src, labels;
  int classes;
};

const std::vector<Axis> kAxes = {{1, {10, 5}, {10}, 5},           {1, {3, 4, 5, 7}, {3, 1, 5, 7}, 4},
                                 {-1, {6, 3, 11}, {6, 3, 1}, 11}, {2, {2, 3, 6, 4}, {2, 3, 1, 4}, 6},
                                 {0, {5, 10}, {5, 2}, 5},         {1, {64, 1000}, {64}, 1000}};

TEST_F(LayersTest, SoftmaxIsStockAlongEveryAxis) {
  for (const Shape& shape : {Shape{10, 5}, Shape{3, 4, 5, 7}, Shape{2, 1, 3}, Shape{64, 1000}})
    for (int axis = -static_cast<int>(shape.size()); axis < static_cast<int>(shape.size()); axis++) {
      SCOPED_TRACE("axis " + std::to_string(axis));
      LayerParameter param;
      param.mutable_softmax_param()->set_axis(axis);
      // Gradients are differences of numbers of the size of the top's, which are at most 3.
      expect_stock(param, "Softmax", {shape}, 1, 3 * kOfTheLargest);
    }
}

TEST_F(LayersTest, SoftmaxWorksInPlace) {
  std::vector<std::vector<float>> data, diffs;
  for (const std::string type : {"Softmax", "FPGASoftmax"}) {
    LayerParameter param;
    param.set_type(type);
    Blob<float> blob(Shape{19, 33});
    const std::vector<Blob<float>*> both = {&blob};
    const auto layer = caffe::LayerRegistry<float>::CreateLayer(param);
    layer->SetUp(both, both);
    fill(blob, false, 1), fill(blob, true, 2);
    layer->Forward(both, both);
    layer->Backward(both, {true}, both);
    data.push_back(contents(blob, false)), diffs.push_back(contents(blob, true));
  }
  for (std::size_t i = 0; i < data[0].size(); i++) {
    ASSERT_NEAR(data[1][i], data[0][i], kOfTheLargest);
    ASSERT_NEAR(diffs[1][i], diffs[0][i], 3 * kOfTheLargest);
  }
}

TEST_F(LayersTest, SoftmaxWithLossTakesEveryFormOfItsParameters) {
  CapturedLog log;
  for (const auto& [what, loss_param] : loss_params())
    for (const Axis& axis : kAxes) {
      SCOPED_TRACE(what + ", axis " + std::to_string(axis.axis));
      LayerParameter param = loss_param;
      param.mutable_softmax_param()->set_axis(axis.axis);
      param.add_loss_weight(2);
      expect_stock_loss(param, "SoftmaxWithLoss", {axis.src, axis.labels},
                        [&](Rig& rig) { fill_labels(*rig.bottom[1], axis.classes); });
      if (HasFatalFailure()) return;
    }
  EXPECT_EQ(log.count("runs stock Caffe's code"), 0);
}

// Stock Caffe has code for a second top, and checks that keep every prototxt from it: loss_weight is never of the number they want.
TEST_F(LayersTest, SoftmaxWithLossGivesItsProbabilitiesToASecondTop) {
  for (const bool weighted : {false, true}) {
    LayerParameter param;
    if (weighted) param.add_loss_weight(2), param.add_loss_weight(0);
    Rig softmax(LayerParameter(), "Softmax", {{6, 5, 3}}, 1), fpga(param, "FPGASoftmaxWithLoss", {{6, 5, 3}, {6, 3}}, 2);
    fill_labels(*fpga.bottom[1], 5);
    softmax.forward();
    const float loss = fpga.layer->Forward(fpga.bottom, fpga.top);
    expect_close(*fpga.top[1], *softmax.top[0], false, "probabilities");
    EXPECT_EQ(loss, (weighted ? 2 : 1) * fpga.top[0]->cpu_data()[0]);
    EXPECT_EQ(fpga.layer->loss(1), 0);
  }
}

TEST_F(LayersTest, SigmoidCrossEntropyLossTakesEveryFormOfItsParameters) {
  CapturedLog log;
  for (const auto& [what, param] : loss_params())
    for (const Shape& shape : {Shape{10, 5}, Shape{3, 4, 5, 7}, Shape{1}, Shape{64, 784}}) {
      SCOPED_TRACE(what);
      expect_stock_loss(param, "SigmoidCrossEntropyLoss", {shape, shape}, [](Rig& rig) { fill_labels(*rig.bottom[1], 2); });
      if (HasFatalFailure()) return;
    }
  EXPECT_EQ(log.count("runs stock Caffe's code"), 0);
}

TEST_F(LayersTest, SigmoidCrossEntropyLossOfLargeValuesAndTargetsBetweenIsStock) {
  expect_stock_loss(LayerParameter(), "SigmoidCrossEntropyLoss", {{7, 9}, {7, 9}}, [](Rig& rig) {
    for (int i = 0; i < 63; i++) {
      rig.bottom[0]->mutable_cpu_data()[i] = static_cast<float>(i - 31) * 4;
      rig.bottom[1]->mutable_cpu_data()[i] = static_cast<float>(i % 5) / 4;
    }
  });
}

TEST_F(LayersTest, EuclideanLossIsStock) {
  for (const Shape& shape : {Shape{10, 5}, Shape{3, 4, 5, 7}, Shape{1}, Shape{100, 784}})
    for (const std::vector<bool>& wanted :
         std::vector<std::vector<bool>>{{true, true}, {true, false}, {false, true}, {false, false}})
      expect_stock_loss(
          LayerParameter(), "EuclideanLoss", {shape, shape}, [](Rig&) {}, wanted);
}

// Whole numbers below 2^24 in both: counts and their quotients are stock Caffe's to the bit.
TEST_F(LayersTest, AccuracyTakesEveryFormOfItsParameter) {
  CapturedLog log;
  for (const Axis& axis : kAxes)
    for (const int top_k : {1, 3})
      for (const int tops : {1, 2})
        for (const bool ignores : {false, true}) {
          SCOPED_TRACE("axis " + std::to_string(axis.axis) + ", top " + std::to_string(top_k));
          LayerParameter param;
          param.mutable_accuracy_param()->set_axis(axis.axis);
          param.mutable_accuracy_param()->set_top_k(top_k);
          if (ignores) param.mutable_accuracy_param()->set_ignore_label(2);
          Rig stock(param, "Accuracy", {axis.src, axis.labels}, tops), fpga(param, "FPGAAccuracy", {axis.src, axis.labels}, tops);
          for (Rig* rig : {&stock, &fpga}) {
            fill_labels(*rig->bottom[1], axis.classes);
            rig->forward();
          }
          for (int i = 0; i < tops; i++) expect_same(*fpga.top[i], *stock.top[i], false, 0, "top " + std::to_string(i));
        }
  EXPECT_EQ(log.count("runs stock Caffe's code"), 0);
}

TEST_F(LayersTest, LossesFollowAChangeOfShape) {
  for (const std::string type : {"SoftmaxWithLoss", "SigmoidCrossEntropyLoss", "EuclideanLoss"}) {
    SCOPED_TRACE(type);
    const auto labels_of = [&](const Shape& shape) { return type == "SoftmaxWithLoss" ? Shape{shape[0]} : shape; };
    Rig stock(LayerParameter(), type, {{4, 5}, labels_of({4, 5})}, 1),
        fpga(LayerParameter(), "FPGA" + type, {{4, 5}, labels_of({4, 5})}, 1);
    for (const Shape& shape : {Shape{9, 3}, Shape{1, 20}, Shape{4, 5}}) {
      for (Rig* rig : {&stock, &fpga}) {
        rig->bottom[0]->Reshape(shape), rig->bottom[1]->Reshape(labels_of(shape));
        rig->fill_all();
        fill_labels(*rig->bottom[1], 2);
        rig->forward();
        rig->top[0]->mutable_cpu_diff()[0] = 1;
        rig->layer->Backward(rig->top, {true, false}, rig->bottom);
      }
      expect_close(*fpga.top[0], *stock.top[0], false, "loss");
      expect_close(*fpga.bottom[0], *stock.bottom[0], true, "diff of bottom");
    }
  }
}

TEST_F(LayersTest, GradientsOfLossesThatNobodyAsksForStayAsTheyAre) {
  for (const std::string type : {"FPGASoftmaxWithLoss", "FPGASigmoidCrossEntropyLoss", "FPGAEuclideanLoss"}) {
    SCOPED_TRACE(type);
    Rig rig(LayerParameter(), type, {{6, 5}, type == "FPGASoftmaxWithLoss" ? Shape{6} : Shape{6, 5}}, 1);
    fill_labels(*rig.bottom[1], 2);
    const std::vector<float> before = contents(*rig.bottom[0], true);
    rig.forward();
    rig.layer->Backward(rig.top, {false, false}, rig.bottom);
    EXPECT_EQ(contents(*rig.bottom[0], true), before);
  }
}

TEST_F(LayersTest, GradientsOfLabelsAreRefusedAsInStockCaffe) {
  for (const std::string type : {"FPGASoftmaxWithLoss", "FPGASigmoidCrossEntropyLoss"}) {
    Rig rig(LayerParameter(), type, {{6, 5}, type == "FPGASoftmaxWithLoss" ? Shape{6} : Shape{6, 5}}, 1);
    EXPECT_DEATH(rig.layer->Backward(rig.top, {true, true}, rig.bottom), type + " Layer cannot backpropagate to label inputs");
  }
}

// The host reads one number of a loss: what SetUp made of loss_weight went to the device once.
TEST_F(LayersTest, ALossLeavesOneNumberForTheHost) {
  for (const std::string type : {"FPGASoftmaxWithLoss", "FPGASigmoidCrossEntropyLoss", "FPGAEuclideanLoss", "FPGAAccuracy"}) {
    SCOPED_TRACE(type);
    const bool classes = type == "FPGASoftmaxWithLoss" || type == "FPGAAccuracy";
    Rig rig(LayerParameter(), type, {{64, 10}, classes ? Shape{64} : Shape{64, 10}}, 1);
    fill_labels(*rig.bottom[1], 2);
    const auto step = [&] {
      rig.forward();
      rig.top[0]->cpu_data();
      if (type != "FPGAAccuracy") rig.layer->Backward(rig.top, {true, false}, rig.bottom);
    };
    step();
    const device::Counters before = device().counters();
    step();
    const device::Counters after = device().counters();
    if (!memory::hook_is_live()) continue;  // then an Access copies always
    EXPECT_EQ(after.download_bytes - before.download_bytes, sizeof(float));
    EXPECT_EQ(after.upload_bytes, before.upload_bytes);
  }
}

TEST_F(LayersTest, ConcatIsStockAlongEveryAxis) {
  CapturedLog log;
  for (int axis = -4; axis < 4; axis++) {
    SCOPED_TRACE("axis " + std::to_string(axis));
    LayerParameter param;
    param.mutable_concat_param()->set_axis(axis);
    std::vector<Shape> shapes(3, {2, 3, 5, 7});
    shapes[1][(axis + 4) % 4] = 20, shapes[2][(axis + 4) % 4] = 1;
    expect_stock(param, "Concat", shapes, 1);
    expect_stock(param, "Concat", {shapes[0]}, 1);
  }
  LayerParameter param;
  param.mutable_concat_param()->set_concat_dim(0);
  expect_stock(param, "Concat", {{2, 33}, {5, 33}}, 1);
  EXPECT_EQ(log.count("runs stock Caffe's code"), 0);
}

TEST_F(LayersTest, ConcatGivesGradientsToThoseThatAsk) {
  Rig stock(LayerParameter(), "Concat", {{2, 3, 4}, {2, 5, 4}, {2, 1, 4}}, 1),
      fpga(LayerParameter(), "FPGAConcat", {{2, 3, 4}, {2, 5, 4}, {2, 1, 4}}, 1);
  for (Rig* rig : {&stock, &fpga}) {
    rig->forward();
    rig->fill_top_diffs();
    rig->layer->Backward(rig->top, {true, false, true}, rig->bottom);
  }
  for (std::size_t i = 0; i < 3; i++)
    expect_same(*fpga.bottom[i], *stock.bottom[i], true, 0, "diff of bottom " + std::to_string(i));
}

TEST_F(LayersTest, SliceIsStockAlongEveryAxis) {
  CapturedLog log;
  for (int axis = -4; axis < 4; axis++) {
    SCOPED_TRACE("axis " + std::to_string(axis));
    LayerParameter param;
    param.mutable_slice_param()->set_axis(axis);
    expect_stock(param, "Slice", {{6, 6, 6, 18}}, 3);
    expect_stock(param, "Slice", {{6, 6, 6, 18}}, 1);
    param.mutable_slice_param()->add_slice_point(1);
    param.mutable_slice_param()->add_slice_point(5);
    expect_stock(param, "Slice", {{6, 6, 6, 18}}, 3);
  }
  LayerParameter param;
  param.mutable_slice_param()->set_slice_dim(1);
  expect_stock(param, "Slice", {{2, 66}}, 2);
  EXPECT_EQ(log.count("runs stock Caffe's code"), 0);
}

// What stock Caffe's Split makes of the same gradients; the registry has ours in its place.
TEST_F(LayersTest, SplitIsStock) {
  for (const int tops : {1, 2, 3, 5})
    for (const Shape& shape : {Shape{1}, Shape{17}, Shape{3, 5, 7, 9}, Shape{64, 500}}) {
      Rig rig(LayerParameter(), "Split", {shape}, tops);
      EXPECT_STREQ(rig.layer->type(), "Split");
      ASSERT_NE(dynamic_cast<caffe::FPGASplitLayer<float>*>(rig.layer.get()), nullptr);
      rig.forward();
      for (Blob<float>* top : rig.top) EXPECT_EQ(top->data(), rig.bottom[0]->data());
      for (const bool on_device : {false, true}) {
        SCOPED_TRACE(std::to_string(tops) + " tops, on the device: " + std::to_string(on_device));
        rig.fill_top_diffs();
        std::vector<float> expected(rig.bottom[0]->count(), 0);
        for (const Blob<float>* top : rig.top)
          for (std::size_t i = 0; i < expected.size(); i++) expected[i] += top->cpu_diff()[i];
        if (on_device) memory::diff(*rig.top[0], memory::Use::kReadWrite, device());
        const device::Counters before = device().counters();
        rig.backward();
        EXPECT_EQ(contents(*rig.bottom[0], true), expected);
        EXPECT_EQ(device().counters().launches > before.launches, on_device && memory::hook_is_live());
      }
    }
}

TEST_F(LayersTest, SplitOfANetOfDoublesIsStock) {
  LayerParameter param;
  param.set_type("Split");
  Blob<double> bottom(Shape{2, 3}), a, b;
  const auto layer = caffe::LayerRegistry<double>::CreateLayer(param);
  EXPECT_STREQ(layer->type(), "Split");
  layer->SetUp({&bottom}, {&a, &b});
  for (int i = 0; i < 6; i++) a.mutable_cpu_diff()[i] = i, b.mutable_cpu_diff()[i] = 10;
  layer->Backward({&a, &b}, {true}, {&bottom});
  for (int i = 0; i < 6; i++) EXPECT_EQ(bottom.cpu_diff()[i], 10 + i);
}

TEST_F(LayersTest, LossesOfNetsOfDoublesRunStockCodeAndSayItOnce) {
  CapturedLog log;
  LayerParameter param;
  param.set_type("FPGAEuclideanLoss");
  Blob<double> src(Shape{2, 3}), target(Shape{2, 3}), top;
  for (int i = 0; i < 6; i++) src.mutable_cpu_data()[i] = i, target.mutable_cpu_data()[i] = 0;
  const auto layer = caffe::LayerRegistry<double>::CreateLayer(param);
  layer->SetUp({&src, &target}, {&top});
  layer->Forward({&src, &target}, {&top});
  layer->Forward({&src, &target}, {&top});
  EXPECT_EQ(top.cpu_data()[0], 55.0 / 4);
  EXPECT_EQ(log.count("the net is of doubles"), 1);
}

TEST_F(LayersTest, GradientsOfLossesHoldAgainstFiniteDifferences) {
  caffe::GradientChecker<float> checker(1e-2F, 1e-2F);
  for (const auto& [what, param] : loss_params()) {
    SCOPED_TRACE(what);
    Rig softmax(param, "FPGASoftmaxWithLoss", {{4, 5, 2}, {4, 2}}, 1);
    fill_labels(*softmax.bottom[1], 5);
    checker.CheckGradientExhaustive(softmax.layer.get(), softmax.bottom, softmax.top, 0);
    Rig sigmoid(param, "FPGASigmoidCrossEntropyLoss", {{4, 5}, {4, 5}}, 1);
    fill_labels(*sigmoid.bottom[1], 2);
    for (int i = 0; i < 20; i++) sigmoid.bottom[0]->mutable_cpu_data()[i] += 0.5F;  // the formula has a seam at 0
    checker.CheckGradientSingle(sigmoid.layer.get(), sigmoid.bottom, sigmoid.top, 0, -1, -1);
  }
  Rig euclidean(LayerParameter(), "FPGAEuclideanLoss", {{4, 5}, {4, 5}}, 1);
  checker.CheckGradientExhaustive(euclidean.layer.get(), euclidean.bottom, euclidean.top);
}

TEST_F(LayersTest, GradientsOfSoftmaxConcatAndSliceHoldAgainstFiniteDifferences) {
  caffe::GradientChecker<float> checker(1e-2F, 1e-3F);
  Rig softmax(LayerParameter(), "FPGASoftmax", {{2, 5, 3}}, 1);
  checker.CheckGradientExhaustive(softmax.layer.get(), softmax.bottom, softmax.top);
  // These only move numbers: any step will do, and a large one makes little of the rounding.
  caffe::GradientChecker<float> linear(1e-1F, 1e-2F);
  Rig concat(LayerParameter(), "FPGAConcat", {{2, 3, 2}, {2, 1, 2}}, 1);
  linear.CheckGradientExhaustive(concat.layer.get(), concat.bottom, concat.top);
  Rig slice(LayerParameter(), "FPGASlice", {{2, 6}}, 3);
  linear.CheckGradientExhaustive(slice.layer.get(), slice.bottom, slice.top);
}

TEST_F(LayersTest, TypesOfLossesAreTheNamesThatTheyAreRegisteredUnder) {
  for (const std::string type : {"FPGASoftmax", "FPGASoftmaxWithLoss", "FPGAAccuracy", "FPGAConcat", "FPGASlice", "FPGASplit",
                                 "Split", "FPGAEuclideanLoss", "FPGASigmoidCrossEntropyLoss", "SoftmaxWithLoss", "Accuracy",
                                 "HingeLoss", "InfogainLoss", "Embed", "BatchReindex", "MultinomialLogisticLoss", "Filter"}) {
    LayerParameter param;
    param.set_type(type);
    EXPECT_EQ(caffe::LayerRegistry<float>::CreateLayer(param)->type(), type);
    EXPECT_EQ(caffe::LayerRegistry<double>::CreateLayer(param)->type(), type);
  }
}

}  // namespace
}  // namespace barista::testing
