// What every FPGA layer has of its base (layers/device_layer.hpp), shown on a layer that refuses what the test tells it to refuse.
#include "layers/device_layer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "caffe/layers/absval_layer.hpp"
#include "support/layer_rig.hpp"

namespace barista::testing {
namespace {

enum class Plan { kFits, kUnsupported, kDeviceFails };

struct Calls {
  int plans = 0, forward = 0, backward = 0;
};

// Writes 7s where it runs on the device, so that stock code can be told from it.
template <typename Dtype>
class PickyLayer : public layers::DeviceLayer<PickyLayer, caffe::AbsValLayer, Dtype> {
 public:
  explicit PickyLayer(const LayerParameter& param) : PickyLayer::DeviceLayer(param) {}

  bool has_nothing_to_do(const std::vector<Blob<Dtype>*>& bottom, const std::vector<Blob<Dtype>*>& /*top*/) const {
    return bottom[0]->count() == nothing_to_do;
  }
  std::string why_stock_code(const std::vector<Blob<Dtype>*>& /*bottom*/, const std::vector<Blob<Dtype>*>& /*top*/) const {
    return reason;
  }
  void plan(const std::vector<Blob<Dtype>*>& /*bottom*/, const std::vector<Blob<Dtype>*>& /*top*/) {
    calls.plans++;
    if (outcome == Plan::kUnsupported) throw plan::Unsupported("it is picky");
    if (outcome == Plan::kDeviceFails) throw device::Error("the board is gone");
  }
  void forward_on_device(const std::vector<Blob<Dtype>*>& /*bottom*/, const std::vector<Blob<Dtype>*>& top) {
    calls.forward++;
    EXPECT_EQ(&this->program(), &barista::layers::Programs::of_process().standard());
    caffe::caffe_set(top[0]->count(), Dtype(7), top[0]->mutable_cpu_data());
  }
  void backward_on_device(const std::vector<Blob<Dtype>*>& /*top*/, const std::vector<bool>& /*propagate_down*/,
                          const std::vector<Blob<Dtype>*>& bottom) {
    calls.backward++;
    caffe::caffe_set(bottom[0]->count(), Dtype(7), bottom[0]->mutable_cpu_diff());
  }

  Plan outcome = Plan::kFits;
  std::string reason;
  int nothing_to_do = -1;
  Calls calls;
};

// One layer with a bottom of minus ones.
template <typename Dtype>
struct PickyRig {
  explicit PickyRig(const std::string& name = "picky") : layer(param(name)) {}

  void run() {
    caffe::caffe_set(bottom.count(), Dtype(-1), bottom.mutable_cpu_data());
    layer.Forward({&bottom}, {&top});
    caffe::caffe_set(top.count(), Dtype(2), top.mutable_cpu_diff());
    layer.Backward({&top}, {true}, {&bottom});
  }
  void set_up() { layer.SetUp({&bottom}, {&top}); }

  static LayerParameter param(const std::string& name) {
    LayerParameter param;
    param.set_name(name), param.set_type("Picky");
    return param;
  }

  Blob<Dtype> bottom{Shape{2, 3}}, top;
  PickyLayer<Dtype> layer;
};

class DeviceLayerTest : public LayersTest {};

TEST_F(DeviceLayerTest, RunsOnTheDeviceAndPlansAnewForNewShapesOnly) {
  PickyRig<float> rig;
  rig.set_up();
  rig.run();
  rig.run();
  EXPECT_EQ(rig.top.cpu_data()[5], 7);
  EXPECT_EQ(rig.bottom.cpu_diff()[5], 7);
  EXPECT_EQ(rig.layer.calls.plans, 1);
  rig.bottom.Reshape(Shape{3, 3});
  rig.run();
  EXPECT_EQ(rig.layer.calls.plans, 2);
  EXPECT_EQ(rig.layer.calls.forward, 3);
  EXPECT_EQ(rig.layer.calls.backward, 3);
}

TEST_F(DeviceLayerTest, AShapeThatThePlanCannotTakeRunsStockCodeUntilThereIsAnother) {
  CapturedLog log;
  PickyRig<float> rig;
  rig.layer.outcome = Plan::kUnsupported;
  rig.set_up();
  rig.run();
  rig.run();
  EXPECT_EQ(rig.top.cpu_data()[5], 1);
  EXPECT_EQ(rig.bottom.cpu_diff()[5], -2);
  EXPECT_EQ(rig.layer.calls.plans, 1) << "what was refused is not asked again";
  EXPECT_EQ(log.count("layer picky (Picky) runs stock Caffe's code on the CPU: it is picky"), 1);
  rig.layer.outcome = Plan::kFits;
  rig.bottom.Reshape(Shape{3, 3});
  rig.run();
  EXPECT_EQ(rig.top.cpu_data()[5], 7);
}

TEST_F(DeviceLayerTest, AFailureOfTheDeviceEndsTheProcess) {
  PickyRig<float> rig;
  rig.layer.outcome = Plan::kDeviceFails;
  EXPECT_DEATH(rig.set_up(), "layer picky .Picky.: the board is gone");
}

TEST_F(DeviceLayerTest, WhyIsTheLayersOwnReasonThenAnEmptyBlobThenThePlan) {
  PickyRig<float> rig("ordered");
  rig.layer.outcome = Plan::kUnsupported, rig.layer.reason = "it doesn't want to";
  rig.bottom.Reshape(Shape{0, 3});
  rig.set_up();
  EXPECT_EQ(layers::stock_code_layers().back().reason, "it doesn't want to");
  PickyRig<float> empty("empty");
  empty.layer.outcome = Plan::kUnsupported;
  empty.bottom.Reshape(Shape{0, 3});
  empty.set_up();
  EXPECT_EQ(layers::stock_code_layers().back().reason, "a blob of it is empty");
  EXPECT_EQ(rig.layer.calls.plans + empty.layer.calls.plans, 0);
}

TEST_F(DeviceLayerTest, WhatHasNothingToDoDoesNothingAndSaysNothing) {
  CapturedLog log;
  PickyRig<float> rig;
  rig.layer.nothing_to_do = 6, rig.layer.reason = "it doesn't want to";
  rig.set_up();
  caffe::caffe_set(6, 3.0F, rig.top.mutable_cpu_data());
  rig.run();
  EXPECT_EQ(rig.top.cpu_data()[5], 3);
  EXPECT_EQ(log.count("runs stock Caffe's code"), 0);
}

TEST_F(DeviceLayerTest, AGradientThatNobodyAsksForIsNotMade) {
  PickyRig<float> rig;
  rig.set_up();
  rig.run();
  rig.layer.Backward({&rig.top}, {false}, {&rig.bottom});
  EXPECT_EQ(rig.layer.calls.backward, 1);
}

TEST_F(DeviceLayerTest, ANetOfDoublesRunsStockCode) {
  PickyRig<double> rig("doubles");
  rig.set_up();
  rig.run();
  EXPECT_EQ(rig.top.cpu_data()[5], 1);
  EXPECT_EQ(layers::stock_code_layers().back().layer, "doubles");
  EXPECT_EQ(layers::stock_code_layers().back().reason, "the net is of doubles, the device computes in single precision");
}

TEST_F(DeviceLayerTest, LayersOfStockCodeAreListedOnce) {
  const std::size_t before = layers::stock_code_layers().size();
  for (const std::string name : {"twice", "twice", "other"}) {  // of a net for training and one for testing
    PickyRig<float> rig(name);
    rig.layer.reason = "it doesn't want to";
    rig.set_up();
    rig.run();
  }
  std::vector<std::string> listed;
  for (const layers::StockCodeLayer& found : layers::stock_code_layers())
    listed.push_back(found.layer + " (" + found.type + "): " + found.reason);
  listed.erase(listed.begin(), listed.begin() + static_cast<std::ptrdiff_t>(before));
  EXPECT_EQ(listed, (std::vector<std::string>{"twice (Picky): it doesn't want to", "other (Picky): it doesn't want to"}));
}

}  // namespace
}  // namespace barista::testing
