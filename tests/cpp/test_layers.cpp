// The FPGA layers against stock Caffe's, with the same weights and the same whole numbers, and Caffe's own gradient checker.
//
// Stock results are sums of products of small integers, exact in any order, so both layers must agree to the last bit. The one
// exception is a mean over a window whose size is no power of two.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "layers/fpga_convolution_layer.hpp"
#include "layers/fpga_inner_product_layer.hpp"
#include "layers/fpga_pooling_layer.hpp"
#include "support/integers.hpp"
#include "support/layer_rig.hpp"
#include "support/pooling_problems.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

LayerParameter convolution_param(const ops::ConvolutionShape& s) {
  LayerParameter param;
  auto& p = *param.mutable_convolution_param();
  p.set_num_output(s.O), p.set_group(s.G);
  p.set_kernel_h(s.KH), p.set_kernel_w(s.KW), p.set_stride_h(s.SH), p.set_stride_w(s.SW), p.set_pad_h(s.PH), p.set_pad_w(s.PW);
  p.add_dilation(s.DH), p.add_dilation(s.DW);
  return param;
}

LayerParameter pooling_param(const PoolingProblem& problem) {
  const ops::PoolingShape& s = problem.shape;
  LayerParameter param;
  auto& p = *param.mutable_pooling_param();
  p.set_pool(problem.method == ops::PoolingMethod::kMaximum ? caffe::PoolingParameter_PoolMethod_MAX
                                                            : caffe::PoolingParameter_PoolMethod_AVE);
  p.set_round_mode(problem.round_up ? caffe::PoolingParameter_RoundMode_CEIL : caffe::PoolingParameter_RoundMode_FLOOR);
  p.set_kernel_h(s.KH), p.set_kernel_w(s.KW), p.set_stride_h(s.SH), p.set_stride_w(s.SW), p.set_pad_h(s.PH), p.set_pad_w(s.PW);
  return param;
}

LayerParameter inner_product_param(int outputs, bool transpose = false) {
  LayerParameter param;
  param.mutable_inner_product_param()->set_num_output(outputs);
  param.mutable_inner_product_param()->set_transpose(transpose);
  return param;
}

LayerParameter square_convolution(int outputs, int kernel) {
  LayerParameter param;
  param.mutable_convolution_param()->set_num_output(outputs);
  param.mutable_convolution_param()->add_kernel_size(kernel);
  return param;
}

// A test that runs a problem's shapes shows how many of them went to the device: all, or it would compare stock code with itself.
TEST_F(LayersTest, ConvolutionIsStockOnEveryShape) {
  CapturedLog log;
  for (const auto& problem : convolution_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    const ops::ConvolutionShape& s = problem.shape;
    expect_stock(convolution_param(s), "Convolution", {{s.N, s.C, s.H, s.W}}, 1);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(log.count("runs stock Caffe's code"), 0);
}

// The same problems the other way round: from their outputs to images, whose size follows from Caffe's own rule.
TEST_F(LayersTest, DeconvolutionIsStockOnEveryShape) {
  CapturedLog log;
  int compared = 0;
  for (const auto& problem : convolution_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    ops::ConvolutionShape s = problem.shape;
    const int p = s.P(), q = s.Q();
    const int height = s.SH * (p - 1) + s.DH * (s.KH - 1) + 1 - 2 * s.PH, width = s.SW * (q - 1) + s.DW * (s.KW - 1) + 1 - 2 * s.PW;
    if (height < 1 || width < 1) continue;
    std::swap(s.C, s.O);
    expect_stock(convolution_param(s), "Deconvolution", {{s.N, s.C, p, q}}, 1);
    if (HasFatalFailure()) return;
    compared++;
  }
  EXPECT_GT(compared, 200);
  EXPECT_EQ(log.count("runs stock Caffe's code"), 0);
}

TEST_F(LayersTest, PoolingIsStockOnEveryShape) {
  CapturedLog log;
  for (const auto& problem : pooling_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    const ops::PoolingShape& s = problem.shape.shape;
    const double tolerance = problem.shape.method == ops::PoolingMethod::kAverage ? 1e-5 : 0;
    expect_stock(pooling_param(problem.shape), "Pooling", {{s.N, s.C, s.H, s.W}}, 1, tolerance);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(log.count("runs stock Caffe's code"), 0);
}

TEST_F(LayersTest, InnerProductIsStockOnEveryShape) {
  CapturedLog log;
  for (const auto& problem : inner_product_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    const ops::InnerProductShape& s = problem.shape;
    expect_stock(inner_product_param(s.O, s.transpose), "InnerProduct", {{s.N, s.K}}, 1);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(log.count("runs stock Caffe's code"), 0);
}

TEST_F(LayersTest, ReluIsStock) {
  for (const float slope : {0.0F, 0.5F})
    for (const Shape& shape : {Shape{1}, Shape{17}, Shape{3, 5, 7, 9}, Shape{64, 500}}) {
      LayerParameter param;
      param.mutable_relu_param()->set_negative_slope(slope);
      expect_stock(param, "ReLU", {shape}, 1);
    }
}

TEST_F(LayersTest, ReluWorksInPlace) {
  LayerParameter param;
  param.mutable_relu_param()->set_negative_slope(0.5F);
  std::vector<std::vector<float>> data, diffs;
  for (const std::string type : {"ReLU", "FPGAReLU"}) {
    param.set_type(type);
    Blob<float> blob(Shape{3, 5, 7, 9});
    const std::vector<Blob<float>*> both = {&blob};
    const auto layer = caffe::LayerRegistry<float>::CreateLayer(param);
    layer->SetUp(both, both);
    fill(blob, false, 1), fill(blob, true, 2);
    layer->Forward(both, both);
    layer->Backward(both, {true}, both);
    data.push_back(contents(blob, false)), diffs.push_back(contents(blob, true));
  }
  EXPECT_EQ(data[1], data[0]);
  EXPECT_EQ(diffs[1], diffs[0]);
}

TEST_F(LayersTest, ConvolutionTakesEveryFormOfItsParameter) {
  const Shape image = {2, 6, 9, 8};
  LayerParameter param = square_convolution(4, 3);
  param.mutable_convolution_param()->set_bias_term(false);
  {
    SCOPED_TRACE("no bias");
    expect_stock(param, "Convolution", {image}, 1);
  }
  param = square_convolution(4, 3);
  param.mutable_convolution_param()->add_stride(2);
  param.mutable_convolution_param()->add_pad(1);
  param.mutable_convolution_param()->set_group(2);
  {
    SCOPED_TRACE("three bottoms share the weights");
    expect_stock(param, "Convolution", {image, image, image}, 3);
  }
  param.mutable_convolution_param()->set_force_nd_im2col(true);
  {
    SCOPED_TRACE("force_nd_im2col");
    expect_stock(param, "Convolution", {image}, 1);
  }
  param.mutable_convolution_param()->set_engine(caffe::ConvolutionParameter_Engine_CAFFE);
  {
    SCOPED_TRACE("engine");
    expect_stock(param, "Convolution", {image}, 1);
  }
  param = square_convolution(4, 3);
  param.mutable_convolution_param()->set_axis(-3);
  {
    SCOPED_TRACE("images along two axes");
    expect_stock(param, "Convolution", {{2, 3, 6, 9, 8}}, 1);
  }
  {
    SCOPED_TRACE("one spatial axis");
    expect_stock(square_convolution(4, 3), "Convolution", {{2, 6, 40}}, 1);
  }
  {
    SCOPED_TRACE("an axis of channels that leaves one spatial axis");
    param = square_convolution(4, 3);
    param.mutable_convolution_param()->set_axis(2);
    expect_stock(param, "Convolution", {image}, 1);
  }
}

TEST_F(LayersTest, InnerProductTakesEveryFormOfItsParameter) {
  for (const int axis : {1, 2, -1, -4})
    for (const bool transpose : {false, true})
      for (const bool bias : {false, true}) {
        SCOPED_TRACE("axis " + std::to_string(axis) + " transpose " + std::to_string(transpose) + " bias " + std::to_string(bias));
        LayerParameter param = inner_product_param(5, transpose);
        param.mutable_inner_product_param()->set_axis(axis);
        param.mutable_inner_product_param()->set_bias_term(bias);
        expect_stock(param, "InnerProduct", {{3, 4, 5, 2}}, 1);
      }
}

TEST_F(LayersTest, PoolingTakesEveryFormOfItsParameter) {
  LayerParameter param;
  param.mutable_pooling_param()->set_global_pooling(true);
  expect_stock(param, "Pooling", {{3, 5, 7, 6}}, 1);
  param.mutable_pooling_param()->set_pool(caffe::PoolingParameter_PoolMethod_AVE);
  expect_stock(param, "Pooling", {{3, 5, 8, 4}}, 1);
}

TEST_F(LayersTest, PoolingGivesItsWinnersToASecondTop) {
  LayerParameter param;
  param.mutable_pooling_param()->set_kernel_size(3);
  param.mutable_pooling_param()->set_stride(2);
  expect_stock(param, "Pooling", {{3, 5, 9, 10}}, 2);
}

// The published FPGA fork of Caffe returns the last image's gradient here.
TEST_F(LayersTest, WeightGradientOfABatchIsTheSumOverItsImages) {
  const std::vector<std::pair<std::string, LayerParameter>> layers = {{"FPGAConvolution", square_convolution(7, 3)},
                                                                      {"FPGAInnerProduct", inner_product_param(7)}};
  for (const auto& [type, param] : layers) {
    SCOPED_TRACE(type);
    constexpr int kImages = 11;
    Rig batch(param, type, {{kImages, 5, 6, 7}}, 1), single(param, type, {{1, 5, 6, 7}}, 1);
    batch.fill_top_diffs();
    batch.forward();
    batch.backward();
    const int src_floats = single.bottom[0]->count(), dst_floats = single.top[0]->count();
    for (int image = 0; image < kImages; image++) {
      const float *src = batch.bottom[0]->cpu_data() + image * src_floats, *diff = batch.top[0]->cpu_diff() + image * dst_floats;
      std::copy(src, src + src_floats, single.bottom[0]->mutable_cpu_data());
      std::copy(diff, diff + dst_floats, single.top[0]->mutable_cpu_diff());
      single.forward();
      single.backward();
    }
    for (std::size_t i = 0; i < 2; i++)
      EXPECT_EQ(contents(*batch.layer->blobs()[i], true), contents(*single.layer->blobs()[i], true)) << "parameter " << i;
  }
}

TEST_F(LayersTest, GradientsThatNobodyAsksForStayAsTheyAre) {
  const std::vector<std::pair<std::string, LayerParameter>> layers = {
      {"FPGAConvolution", square_convolution(7, 3)},
      {"FPGAInnerProduct", inner_product_param(7)},
      {"FPGAPooling", pooling_param(parse_pooling("maxn2c5h6w7kh3kw3sh2sw2ph0pw0r1"))},
      {"FPGAReLU", LayerParameter()}};
  for (const auto& [type, param] : layers) {
    SCOPED_TRACE(type);
    Rig rig(param, type, {{2, 5, 6, 7}}, 1);
    for (std::size_t i = 0; i < rig.layer->blobs().size(); i++) rig.layer->set_param_propagate_down(static_cast<int>(i), false);
    rig.forward();
    rig.fill_top_diffs();
    rig.backward(false);
    std::uint32_t seed = 2;
    EXPECT_EQ(contents(*rig.bottom[0], true), integers(rig.bottom[0]->count(), seed));
    for (const auto& blob : rig.layer->blobs()) EXPECT_EQ(contents(*blob, true), integers(blob->count(), seed += 2));
    for (std::size_t i = 0; i < rig.layer->blobs().size(); i++) {
      rig.layer->set_param_propagate_down(static_cast<int>(i), true);
      rig.backward(false);
      EXPECT_NE(contents(*rig.layer->blobs()[i], true), integers(rig.layer->blobs()[i]->count(), 4 + 2 * i)) << "parameter " << i;
      rig.layer->set_param_propagate_down(static_cast<int>(i), false);
    }
    EXPECT_EQ(contents(*rig.bottom[0], true), integers(rig.bottom[0]->count(), 2));
  }
}

TEST_F(LayersTest, OneOfTwoBottomsAsksForItsGradient) {
  Rig stock(square_convolution(3, 3), "Convolution", {{2, 3, 6, 7}, {2, 3, 6, 7}}, 2),
      fpga(square_convolution(3, 3), "FPGAConvolution", {{2, 3, 6, 7}, {2, 3, 6, 7}}, 2);
  for (Rig* rig : {&stock, &fpga}) {
    rig->forward();
    rig->fill_top_diffs();
    rig->layer->Backward(rig->top, {false, true}, rig->bottom);
  }
  EXPECT_EQ(contents(*fpga.bottom[0], true), integers(fpga.bottom[0]->count(), 2)) << "nobody asked for it";
  expect_same(*fpga.bottom[1], *stock.bottom[1], true, 0, "diff of bottom 1");
  expect_same(*fpga.layer->blobs()[0], *stock.layer->blobs()[0], true, 0, "diff of weights");
}

TEST_F(LayersTest, FollowsAChangeOfShape) {
  const std::vector<std::pair<std::string, LayerParameter>> layers = {
      {"Convolution", square_convolution(4, 3)},
      {"Pooling", pooling_param(parse_pooling("maxn1c1h6w6kh2kw2sh2sw2ph0pw0r1"))},
      {"ReLU", LayerParameter()}};
  for (const auto& [type, param] : layers) {
    SCOPED_TRACE(type);
    Rig stock(param, type, {{2, 3, 8, 8}}, 1), fpga(param, "FPGA" + type, {{2, 3, 8, 8}}, 1);
    for (const Shape& shape : {Shape{5, 3, 9, 7}, Shape{1, 3, 6, 12}, Shape{5, 3, 9, 7}}) {
      for (Rig* rig : {&stock, &fpga}) {
        rig->bottom[0]->Reshape(shape);
        rig->fill_all();
        rig->forward();
        rig->fill_top_diffs();
        rig->backward();
      }
      expect_same(*fpga.top[0], *stock.top[0], false, 0, "top");
      expect_same(*fpga.bottom[0], *stock.bottom[0], true, 0, "diff of bottom");
    }
  }
}

TEST_F(LayersTest, WhatTheDeviceCannotDoIsStockAndSaidOnce) {
  CapturedLog log;
  expect_stock(square_convolution(4, 2), "Convolution", {{2, 3, 4, 5, 6}}, 1);
  EXPECT_EQ(log.count("layer FPGAConvolution (FPGAConvolution) runs stock Caffe's code on the CPU: it has 3 spatial axes"), 1);
  LayerParameter wide;
  wide.mutable_pooling_param()->set_kernel_h(1);
  wide.mutable_pooling_param()->set_kernel_w(5000);
  Rig rig(wide, "FPGAPooling", {{1, 1, 1, 6000}}, 1);
  rig.forward();
  rig.forward();
  EXPECT_EQ(log.count("a row of a window takes"), 1);
}

TEST_F(LayersTest, NetsOfDoublesRunStockCode) {
  CapturedLog log;
  LayerParameter param = square_convolution(2, 3);
  param.set_type("FPGAConvolution");
  Blob<double> bottom(Shape{1, 2, 5, 5}), top;
  for (int i = 0; i < bottom.count(); i++) bottom.mutable_cpu_data()[i] = i;
  const auto layer = caffe::LayerRegistry<double>::CreateLayer(param);
  layer->SetUp({&bottom}, {&top});
  for (int i = 0; i < layer->blobs()[0]->count(); i++) layer->blobs()[0]->mutable_cpu_data()[i] = i % 3;
  layer->Forward({&bottom}, {&top});
  double expected = 0;
  for (int c = 0; c < 2; c++)
    for (int r = 0; r < 3; r++)
      for (int s = 0; s < 3; s++) expected += (c * 25 + r * 5 + s) * (s % 3);
  EXPECT_EQ(top.cpu_data()[0], expected);
  EXPECT_EQ(log.count("the net is of doubles"), 1);
}

TEST_F(LayersTest, GradientsHoldAgainstFiniteDifferences) {
  const std::vector<std::pair<std::string, LayerParameter>> layers = {
      {"FPGAConvolution", convolution_param(parse_convolution("n2g1c2h5w4o3kh3kw2sh2sw1ph1pw0dh1dw1"))},
      {"FPGAConvolution", convolution_param(parse_convolution("n2g2c4h5w6o4kh2kw3sh1sw2ph1pw2dh2dw1"))},
      {"FPGADeconvolution", convolution_param(parse_convolution("n2g1c2h5w4o3kh3kw2sh2sw1ph1pw0dh1dw1"))},
      {"FPGADeconvolution", convolution_param(parse_convolution("n2g1c2h5w4o3kh1kw2sh2sw3ph0pw0dh1dw1"))},
      {"FPGAPooling", pooling_param(parse_pooling("aven2c3h5w4kh3kw3sh2sw2ph1pw1r1"))},
      {"FPGAInnerProduct", inner_product_param(4)},
      {"FPGAInnerProduct", inner_product_param(4, true)}};
  for (const auto& [type, param] : layers) {
    SCOPED_TRACE(type);
    const int channels = type == "FPGAConvolution" && param.convolution_param().group() == 2 ? 4 : 2;
    Rig rig(param, type, {{2, channels, 5, 4}}, 1);
    caffe::GradientChecker<float> checker(1e-1F, 1e-2F);
    checker.CheckGradientSingle(rig.layer.get(), rig.bottom, rig.top, -1, -1, -1);
  }
}

// Where values are further apart than a step of finite differences, so that no step changes the winner.
TEST_F(LayersTest, GradientsOfMaximaHoldAgainstFiniteDifferences) {
  Rig pooling(pooling_param(parse_pooling("maxn2c3h5w4kh3kw3sh2sw2ph1pw1r1")), "FPGAPooling", {{2, 3, 5, 4}}, 1);
  for (int i = 0; i < pooling.bottom[0]->count(); i++)
    pooling.bottom[0]->mutable_cpu_data()[i] = 0.3F * static_cast<float>(i * 7 % 41);
  caffe::GradientChecker<float> checker(1e-1F, 1e-2F);
  checker.CheckGradientSingle(pooling.layer.get(), pooling.bottom, pooling.top, -1, -1, -1);

  LayerParameter param;
  param.mutable_relu_param()->set_negative_slope(0.25F);
  Rig relu(param, "FPGAReLU", {{2, 17}}, 1);
  for (int i = 0; i < relu.bottom[0]->count(); i++) relu.bottom[0]->mutable_cpu_data()[i] = (i % 2 == 0 ? 1 : -1) * (1 + 0.1F * i);
  checker.CheckGradientSingle(relu.layer.get(), relu.bottom, relu.top, -1, -1, -1);
}

TEST_F(LayersTest, TypeIsTheNameThatItIsRegisteredUnder) {
  for (const std::string type : {"FPGAConvolution", "FPGADeconvolution", "FPGAPooling", "FPGAInnerProduct", "FPGAReLU"}) {
    LayerParameter param;
    param.set_type(type);
    EXPECT_EQ(caffe::LayerRegistry<float>::CreateLayer(param)->type(), type);
    EXPECT_EQ(caffe::LayerRegistry<double>::CreateLayer(param)->type(), type);
  }
}

TEST_F(LayersTest, SettingsThatNobodyDefinedAreRefused) {
  const auto set_up = [](const std::string& text) {
    LayerParameter param;
    param.mutable_python_param()->set_param_str(text);
    Rig rig(param, "FPGAReLU", {{2, 3}}, 1);
  };
  set_up("{}");
  EXPECT_DEATH(set_up(R"({"tile": 4})"),
               "layer FPGAReLU \\(FPGAReLU\\): python_param.param_str .* has the key 'tile', FPGAReLU defines 'bitstream' alone");
  EXPECT_DEATH(set_up("[1]"), "must be a JSON object");
  EXPECT_DEATH(set_up("tile: 4"), "must be JSON");
}

TEST_F(LayersTest, WeightsOfAnotherShapeAreRefused) {
  LayerParameter param = inner_product_param(7);
  param.add_blobs()->mutable_shape()->add_dim(3);
  for (int i = 0; i < 3; i++) param.mutable_blobs(0)->add_data(1);
  param.mutable_inner_product_param()->set_bias_term(false);
  EXPECT_DEATH(Rig(param, "FPGAInnerProduct", {{2, 5}}, 1), "weights of shape 3 .* for 7 outputs of 5 inputs");
}

}  // namespace
}  // namespace barista::testing
