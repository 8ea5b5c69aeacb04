// The FPGA layers that look at windows of their input, but for max and average pooling: LRN against stock Caffe's, and stochastic
// pooling, for which stock Caffe has no code on the CPU, against its formula. Both against Caffe's own gradient checker.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "caffe/util/math_functions.hpp"
#include "layers/fpga_lrn_layer.hpp"
#include "layers/fpga_pooling_layer.hpp"
#include "support/layer_rig.hpp"
#include "support/reference_pooling.hpp"

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

// --- stochastic pooling ---

LayerParameter stochastic(caffe::Phase phase, int kernel = 3, int stride = 2) {
  LayerParameter param;
  param.mutable_pooling_param()->set_pool(caffe::PoolingParameter_PoolMethod_STOCHASTIC);
  param.mutable_pooling_param()->set_kernel_size(kernel);
  param.mutable_pooling_param()->set_stride(stride);
  param.set_phase(phase);
  return param;
}

// 4 x 5 outputs of windows of 3 x 3, some of them cut off at the border.
const ops::PoolingShape kPooled = {3, 5, 9, 10, 4, 5, 3, 3, 2, 2, 0, 0};
const Shape kPooledBottom = {3, 5, 9, 10};

void fill_activations(Rig& rig, std::uint32_t seed = 1) {
  const std::vector<float> values = integers(rig.bottom[0]->count(), seed, 0, 9);
  std::copy(values.begin(), values.end(), rig.bottom[0]->mutable_cpu_data());
}

TEST_F(WindowLayersTest, StochasticPoolingDrawsWithTheNumberThatCaffeDraws) {
  Rig rig(stochastic(caffe::TRAIN), "FPGAPooling", {kPooledBottom}, 1);
  fill_activations(rig);
  caffe::Caffe::set_random_seed(11);
  for (int pass = 0; pass < 3; pass++) rig.forward();
  const unsigned int after = caffe::caffe_rng_rand();
  rig.fill_top_diffs();
  rig.backward();

  caffe::Caffe::set_random_seed(11);
  caffe::caffe_rng_rand(), caffe::caffe_rng_rand();
  const unsigned int key = caffe::caffe_rng_rand();
  EXPECT_EQ(after, caffe::caffe_rng_rand()) << "one number a pass";
  const DrawnReference expected = reference_stochastic(kPooled, key, contents(*rig.bottom[0], false));
  EXPECT_EQ(contents(*rig.top[0], false), expected.dst);
  const std::vector<Bound> diff_src =
      reference_backward(kPooled, ops::PoolingMethod::kStochastic, contents(*rig.top[0], true), expected.winners);
  for (std::size_t i = 0; i < diff_src.size(); i++) ASSERT_EQ(contents(*rig.bottom[0], true)[i], diff_src[i].value) << i;
}

TEST_F(WindowLayersTest, StochasticPoolingTakesOtherWindowsAndFollowsAChangeOfShape) {
  LayerParameter whole;
  whole.mutable_pooling_param()->set_pool(caffe::PoolingParameter_PoolMethod_STOCHASTIC);
  whole.mutable_pooling_param()->set_global_pooling(true);
  Rig rig(whole, "FPGAPooling", {{2, 3, 4, 5}}, 1);
  for (const ops::PoolingShape& s :
       {ops::PoolingShape{4, 3, 7, 6, 1, 1, 7, 6, 1, 1, 0, 0}, ops::PoolingShape{1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 0, 0}}) {
    rig.bottom[0]->Reshape({s.N, s.C, s.H, s.W});
    fill_activations(rig, 3);
    caffe::Caffe::set_random_seed(12);
    rig.forward();
    caffe::Caffe::set_random_seed(12);
    EXPECT_EQ(contents(*rig.top[0], false), reference_stochastic(s, caffe::caffe_rng_rand(), contents(*rig.bottom[0], false)).dst);
  }
}

TEST_F(WindowLayersTest, StochasticPoolingInTestPhaseIsItsExpectationAndDrawsNothing) {
  Rig rig(stochastic(caffe::TEST), "FPGAPooling", {kPooledBottom}, 1);
  fill_activations(rig);
  caffe::Caffe::set_random_seed(11);
  rig.forward();
  const unsigned int after = caffe::caffe_rng_rand();
  caffe::Caffe::set_random_seed(11);
  EXPECT_EQ(after, caffe::caffe_rng_rand());
  EXPECT_EQ(contents(*rig.top[0], false), reference_expected(kPooled, contents(*rig.bottom[0], false)));
  rig.backward(false);
  EXPECT_DEATH(rig.backward(), "in test phase it draws nothing; run backward in phase TRAIN");
}

TEST_F(WindowLayersTest, StochasticPoolingThatCanRunNowhereSaysWhy) {
  LayerParameter param = stochastic(caffe::TRAIN);
  param.set_type("FPGAPooling");
  Blob<double> bottom(Shape{1, 2, 5, 5}), top;
  const auto layer = caffe::LayerRegistry<double>::CreateLayer(param);
  EXPECT_DEATH(layer->SetUp({&bottom}, {&top}),
               "no code for STOCHASTIC pooling on the CPU, .* it can't run: the net is of doubles");
  LayerParameter wide = stochastic(caffe::TRAIN);
  wide.mutable_pooling_param()->clear_kernel_size();
  wide.mutable_pooling_param()->set_kernel_h(1);
  wide.mutable_pooling_param()->set_kernel_w(5000);
  EXPECT_DEATH(Rig(wide, "FPGAPooling", {{1, 1, 1, 6000}}, 1), "it can't run: pooling of 1x1x1x6000 .* a row of a window takes");
  LayerParameter padded = stochastic(caffe::TRAIN);
  padded.mutable_pooling_param()->set_pad(1);
  EXPECT_DEATH(Rig(padded, "FPGAPooling", {{1, 1, 6, 6}}, 1), "Padding implemented only for average and max pooling");
}

TEST_F(WindowLayersTest, StochasticPoolingOfAnEmptyBatchIsNothing) {
  Rig rig(stochastic(caffe::TRAIN), "FPGAPooling", {kPooledBottom}, 1);
  rig.bottom[0]->Reshape({0, 5, 9, 10});
  rig.forward();
  rig.backward();
  EXPECT_EQ(rig.top[0]->shape(), (Shape{0, 5, 4, 5}));
}

// As Caffe's own test on a GPU: so short a step seldom moves a limit past a running sum.
TEST_F(WindowLayersTest, GradientsOfStochasticPoolingHoldAgainstFiniteDifferences) {
  Rig rig(stochastic(caffe::TRAIN), "FPGAPooling", {{2, 3, 6, 5}}, 1);
  for (int i = 0; i < rig.bottom[0]->count(); i++)
    rig.bottom[0]->mutable_cpu_data()[i] = 0.1F + 0.9F * static_cast<float>(i * 7 % 41) / 41;
  caffe::GradientChecker<float> checker(1e-3F, 1e-2F);
  checker.CheckGradient(rig.layer.get(), rig.bottom, rig.top);
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
