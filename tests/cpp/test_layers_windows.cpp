// The FPGA layers that look at windows of their input, but for max and average pooling, against stock Caffe's, and Caffe's own gradient
// checker: LRN.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "layers/fpga_lrn_layer.hpp"
#include "support/layer_rig.hpp"

namespace barista::testing {
namespace {

using caffe::LRNParameter;

class WindowLayersTest : public LayersTest {};

// --- local response normalisation ---

constexpr auto kAcross = caffe::LRNParameter_NormRegion_ACROSS_CHANNELS, kWithin = caffe::LRNParameter_NormRegion_WITHIN_CHANNEL;
// Results are at most about ten here; test_lrn.cpp derives the device's error.
constexpr double kRounded = 1e-5;

LayerParameter lrn(caffe::LRNParameter_NormRegion region, int local_size, float alpha = 1, float beta = 0.75F, float k = 1) {
  LayerParameter param;
  LRNParameter& p = *param.mutable_lrn_param();
  p.set_norm_region(region);
  p.set_local_size(local_size);
  p.set_alpha(alpha);
  p.set_beta(beta);
  p.set_k(k);
  return param;
}

TEST_F(WindowLayersTest, LrnIsStock) {
  for (const Shape& shape : {Shape{2, 7, 3, 3}, Shape{3, 17, 9, 8}, Shape{1, 1, 1, 1}, Shape{2, 3, 40, 41}})
    for (const auto region : {kAcross, kWithin})
      for (const int local_size : {1, 3, 5, 15}) {
        SCOPED_TRACE(std::to_string(region) + " " + std::to_string(local_size));
        expect_stock(lrn(region, local_size), "LRN", {shape}, 1, kRounded);
      }
}

TEST_F(WindowLayersTest, LrnTakesEveryParameter) {
  for (const auto region : {kAcross, kWithin})
    for (const LayerParameter& param : {lrn(region, 5, 0), lrn(region, 5, 2, 0), lrn(region, 5, 2, 1), lrn(region, 3, 0.5, -1.5),
                                        lrn(region, 3, 1, 0.75, 2.5), lrn(region, 3, 0.3F, 2, 0.5)}) {
      SCOPED_TRACE(param.ShortDebugString());
      expect_stock(param, "LRN", {{2, 9, 6, 7}}, 1, kRounded * 10);
    }
  LayerParameter of_cudnn;  // which stock Caffe has none of without CUDA
  of_cudnn.mutable_lrn_param()->set_engine(caffe::LRNParameter_Engine_CUDNN);
  Rig stock(LayerParameter(), "LRN", {{2, 9, 6, 7}}, 1), fpga(of_cudnn, "FPGALRN", {{2, 9, 6, 7}}, 1);
  stock.forward(), fpga.forward();
  expect_same(*fpga.top[0], *stock.top[0], false, kRounded, "top");
}

TEST_F(WindowLayersTest, LrnGivesItsGradientToWhoAsks) {
  Rig rig(lrn(kAcross, 3), "FPGALRN", {{2, 5, 3, 4}}, 1);
  rig.forward();
  rig.fill_top_diffs();
  rig.backward(false);
  EXPECT_EQ(contents(*rig.bottom[0], true), integers(rig.bottom[0]->count(), 2)) << "nobody asked for it";
}

TEST_F(WindowLayersTest, LrnFollowsAChangeOfShape) {
  for (const auto region : {kAcross, kWithin}) {
    Rig stock(lrn(region, 3), "LRN", {{2, 5, 6, 7}}, 1), fpga(lrn(region, 3), "FPGALRN", {{2, 5, 6, 7}}, 1);
    for (const Shape& shape : {Shape{3, 17, 4, 9}, Shape{1, 2, 3, 3}, Shape{3, 17, 4, 9}}) {
      for (Rig* rig : {&stock, &fpga}) {
        rig->bottom[0]->Reshape(shape);
        rig->fill_all();
        rig->forward();
        rig->fill_top_diffs();
        rig->backward();
      }
      expect_same(*fpga.top[0], *stock.top[0], false, kRounded, "top");
      expect_same(*fpga.bottom[0], *stock.bottom[0], true, kRounded, "diff of bottom");
    }
  }
}

TEST_F(WindowLayersTest, LrnOfAnEmptyBatchIsNothing) {
  for (const auto region : {kAcross, kWithin}) {
    Rig rig(lrn(region, 3), "FPGALRN", {{2, 3, 4, 5}}, 1), stock(lrn(region, 3), "LRN", {{2, 3, 4, 5}}, 1);
    rig.bottom[0]->Reshape({0, 3, 4, 5});
    rig.forward();
    rig.backward();
    EXPECT_EQ(rig.top[0]->shape(), rig.bottom[0]->shape());
    rig.bottom[0]->Reshape({2, 3, 4, 5});
    rig.forward(), stock.forward();
    expect_same(*rig.top[0], *stock.top[0], false, kRounded, "top");
  }
}

TEST_F(WindowLayersTest, LrnThatTheDeviceDeclinesIsStockAndSaidOnce) {
  CapturedLog log;
  expect_stock(lrn(kAcross, 1999), "LRN", {{1, 1200, 1, 2}}, 1);
  EXPECT_EQ(
      log.count("layer FPGALRN (FPGALRN) runs stock Caffe's code on the CPU: LRN of 1x1200x1x2 across 1999 channels: a row of a "
                "window takes 1999 words"),
      1);

  std::vector<std::vector<float>> in_place;
  for (const std::string type : {"LRN", "FPGALRN"}) {
    LayerParameter param = lrn(kWithin, 3);
    param.set_type(type);
    Blob<float> blob(Shape{2, 3, 4, 5});
    fill(blob, false, 1);
    const auto layer = caffe::LayerRegistry<float>::CreateLayer(param);
    layer->SetUp({&blob}, {&blob});
    layer->Forward({&blob}, {&blob});
    in_place.push_back(contents(blob, false));
  }
  EXPECT_EQ(in_place[1], in_place[0]);
  EXPECT_EQ(log.count("its top is its bottom"), 1);
  EXPECT_DEATH(Rig(lrn(kAcross, 4), "FPGALRN", {{1, 3, 4, 5}}, 1), "LRN only supports odd values for local_size");
}

TEST_F(WindowLayersTest, LrnOfDoublesRunsStockCodeAndSaysSoOnce) {
  CapturedLog log;
  std::vector<std::vector<double>> data;
  for (const std::string type : {"LRN", "FPGALRN"}) {
    LayerParameter param = lrn(kAcross, 3);
    param.set_type(type);
    Blob<double> bottom(Shape{1, 4, 2, 3}), top;
    for (int i = 0; i < bottom.count(); i++) bottom.mutable_cpu_data()[i] = i - 11.5;
    const auto layer = caffe::LayerRegistry<double>::CreateLayer(param);
    layer->SetUp({&bottom}, {&top});
    layer->Forward({&bottom}, {&top});
    layer->Forward({&bottom}, {&top});
    data.emplace_back(top.cpu_data(), top.cpu_data() + top.count());
  }
  EXPECT_EQ(data[1], data[0]);
  EXPECT_EQ(log.count("the net is of doubles"), 1);
}

TEST_F(WindowLayersTest, GradientsOfLrnHoldAgainstFiniteDifferences) {
  for (const auto region : {kAcross, kWithin}) {
    Rig rig(lrn(region, 3, 1.5, 0.75, 2), "FPGALRN", {{2, 5, 3, 4}}, 1);
    caffe::GradientChecker<float> checker(1e-2F, 1e-2F);
    checker.CheckGradientExhaustive(rig.layer.get(), rig.bottom, rig.top);
  }
}

TEST_F(WindowLayersTest, TypeIsTheNameThatItIsRegisteredUnder) {
  for (const std::string type : {"FPGALRN"}) {
    LayerParameter param;
    param.set_type(type);
    EXPECT_EQ(caffe::LayerRegistry<float>::CreateLayer(param)->type(), type);
    EXPECT_EQ(caffe::LayerRegistry<double>::CreateLayer(param)->type(), type);
  }
}

}  // namespace
}  // namespace barista::testing
