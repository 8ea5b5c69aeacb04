// The elementwise FPGA layers against stock Caffe's, and Caffe's own gradient checker.
//
// All work on the same whole numbers. What an exponential, a logarithm or a division went through differs from the C library's in its
// last bits (test_elementwise.cpp says by how much); all else must agree to the last bit.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "caffe/util/math_functions.hpp"
#include "google/protobuf/text_format.h"
#include "layers/fpga_dropout_layer.hpp"
#include "layers/fpga_elementwise_layer.hpp"
#include "layers/fpga_eltwise_layer.hpp"
#include "layers/fpga_prelu_layer.hpp"
#include "support/elementwise_cases.hpp"
#include "support/layer_rig.hpp"

namespace barista::testing {
namespace {

using caffe::EltwiseParameter;

// A stock type, its parameter, and how close the device comes to it on whole numbers from -3 to 3.
struct Case {
  std::string type;
  LayerParameter param;
  double tolerance;
  bool in_place = false;
};

Case activation(const std::string& type, double tolerance, const std::function<void(LayerParameter&)>& set) {
  LayerParameter param;
  set(param);
  return {type, param, tolerance};
}

std::vector<Case> differentiable() {
  std::vector<Case> all;
  for (const LayerCase& c : layer_cases()) {
    LayerParameter param;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(c.parameters, &param)) << c.parameters;
    all.push_back({c.type, param, c.tolerance, c.in_place});
  }
  return all;
}

Case eltwise(EltwiseParameter::EltwiseOp operation, const std::vector<float>& coefficients = {}, bool stable = true) {
  return activation("Eltwise", kExact, [&](LayerParameter& param) {
    EltwiseParameter& p = *param.mutable_eltwise_param();
    p.set_operation(operation);
    for (const float coefficient : coefficients) p.add_coeff(coefficient);
    p.set_stable_prod_grad(stable);
  });
}

Case prelu(bool shared) {
  return activation("PReLU", kExact, [=](LayerParameter& param) { param.mutable_prelu_param()->set_channel_shared(shared); });
}

class ElementwiseLayersTest : public LayersTest {};

TEST_F(ElementwiseLayersTest, ActivationsAreStock) {
  for (const Case& c : differentiable())
    for (const Shape& shape : {Shape{1}, Shape{17}, Shape{3, 5, 7, 9}}) {
      SCOPED_TRACE(c.type + " " + c.param.ShortDebugString());
      expect_stock(c.param, c.type, {shape}, 1, c.tolerance);
    }
}

// Forward and backward of one blob that is bottom and top.
std::vector<std::vector<float>> in_place(LayerParameter param, const std::string& type, const Shape& shape) {
  param.set_type(type);
  Blob<float> blob(shape);
  const std::vector<Blob<float>*> both = {&blob};
  const auto layer = caffe::LayerRegistry<float>::CreateLayer(param);
  layer->SetUp(both, both);
  fill(blob, false, 1), fill(blob, true, 2);
  for (const auto& parameter : layer->blobs()) fill(*parameter, true, 3);
  layer->Forward(both, both);
  std::vector<std::vector<float>> found = {contents(blob, false)};
  layer->Backward(both, {true}, both);
  found.push_back(contents(blob, true));
  for (const auto& parameter : layer->blobs()) found.push_back(contents(*parameter, true));
  return found;
}

// Power, Log and BNLL need their input in backward, which in place is gone; AbsVal refuses.
TEST_F(ElementwiseLayersTest, WorkInPlaceWhereStockDoes) {
  std::vector<Case> cases = {prelu(false), prelu(true)};
  for (const Case& c : differentiable())
    if (c.in_place) cases.push_back(c);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.type + " " + c.param.ShortDebugString());
    const Shape shape = {3, 5, 7, 9};
    const auto stock = in_place(c.param, c.type, shape), fpga = in_place(c.param, "FPGA" + c.type, shape);
    ASSERT_EQ(fpga.size(), stock.size());
    for (std::size_t part = 0; part < stock.size(); part++)
      for (std::size_t i = 0; i < stock[part].size(); i++)
        ASSERT_NEAR(fpga[part][i], stock[part][i], c.tolerance) << part << "," << i;
  }
  EXPECT_DEATH(in_place(LayerParameter(), "FPGAAbsVal", {3}), "does not allow in-place computation");
}

TEST_F(ElementwiseLayersTest, ThresholdIsStockAndHasNoGradient) {
  LayerParameter param;
  param.mutable_threshold_param()->set_threshold(1);
  Rig stock(param, "Threshold", {{3, 5, 7}}, 1), fpga(param, "FPGAThreshold", {{3, 5, 7}}, 1);
  stock.forward(), fpga.forward();
  expect_same(*fpga.top[0], *stock.top[0], false, 0, "top");
  EXPECT_DEATH(fpga.backward(), "Not Implemented Yet");
}

TEST_F(ElementwiseLayersTest, PReluIsStock) {
  for (const Shape& shape : {Shape{3, 5, 7, 9}, Shape{2, 3}, Shape{5, 17}, Shape{2, 4, 33}, Shape{1, 1, 1, 1}})
    for (const bool shared : {false, true}) {
      SCOPED_TRACE("shared " + std::to_string(shared));
      const Case c = prelu(shared);
      expect_stock(c.param, c.type, {shape}, 1, c.tolerance);
    }
}

TEST_F(ElementwiseLayersTest, PReluWithoutAGradientForItsSlopes) {
  Rig rig(prelu(false).param, "FPGAPReLU", {{2, 5, 6}}, 1);
  rig.layer->set_param_propagate_down(0, false);
  rig.forward();
  rig.fill_top_diffs();
  rig.backward();
  EXPECT_EQ(contents(*rig.layer->blobs()[0], true), integers(5, 4));
  const std::vector<float> before = contents(*rig.bottom[0], true);
  rig.layer->set_param_propagate_down(0, true);
  rig.fill_top_diffs(200);
  rig.backward(false);
  EXPECT_NE(contents(*rig.layer->blobs()[0], true), integers(5, 4));
  EXPECT_EQ(contents(*rig.bottom[0], true), before) << "nobody asked for it";
}

TEST_F(ElementwiseLayersTest, EltwiseIsStock) {
  for (const int bottoms : {2, 3, 5}) {
    const std::vector<Shape> shapes(bottoms, Shape{3, 5, 7, 9});
    std::vector<float> coefficients(bottoms);
    std::iota(coefficients.begin(), coefficients.end(), -1.0F);
    for (const Case& c : {eltwise(EltwiseParameter::SUM), eltwise(EltwiseParameter::SUM, coefficients),
                          eltwise(EltwiseParameter::PROD), eltwise(EltwiseParameter::MAX)}) {
      SCOPED_TRACE(std::to_string(bottoms) + " bottoms " + c.param.ShortDebugString());
      expect_stock(c.param, c.type, shapes, 1, c.tolerance);
    }
  }
}

TEST_F(ElementwiseLayersTest, EltwiseProductMayDivideForItsGradient) {
  const Case c = eltwise(EltwiseParameter::PROD, {}, false);
  Rig stock(c.param, "Eltwise", {{3, 50}, {3, 50}, {3, 50}}, 1), fpga(c.param, "FPGAEltwise", {{3, 50}, {3, 50}, {3, 50}}, 1);
  for (Rig* rig : {&stock, &fpga}) {
    for (int i = 0; i < 3; i++) {
      const std::vector<float> values = integers(150, i, 1, 4);  // 0 / 0 is NaN in both
      std::copy(values.begin(), values.end(), rig->bottom[i]->mutable_cpu_data());
    }
    rig->forward();
    rig->fill_top_diffs();
    rig->backward();
  }
  for (int i = 0; i < 3; i++) expect_same(*fpga.bottom[i], *stock.bottom[i], true, kRounded, "diff of bottom " + std::to_string(i));
}

TEST_F(ElementwiseLayersTest, EltwiseTakesOneBlobTwiceAndGivesGradientsToWhoAsks) {
  const Case c = eltwise(EltwiseParameter::MAX);
  Rig stock(c.param, "Eltwise", {{3, 50}, {3, 50}}, 1), fpga(c.param, "FPGAEltwise", {{3, 50}, {3, 50}}, 1);
  for (Rig* rig : {&stock, &fpga}) {
    rig->bottom[1]->ShareData(*rig->bottom[0]);
    rig->forward();
    rig->fill_top_diffs();
    rig->layer->Backward(rig->top, {false, true}, rig->bottom);
  }
  expect_same(*fpga.top[0], *stock.top[0], false, 0, "top");
  expect_same(*fpga.bottom[1], *stock.bottom[1], true, 0, "diff of bottom 1");
  EXPECT_EQ(contents(*fpga.bottom[0], true), integers(150, 2)) << "nobody asked for it";
}

TEST_F(ElementwiseLayersTest, EltwiseInPlaceIsStockAndSaidOnce) {
  CapturedLog log;
  std::vector<std::vector<float>> data;
  for (const std::string type : {"Eltwise", "FPGAEltwise"}) {
    LayerParameter param = eltwise(EltwiseParameter::PROD).param;
    param.set_type(type);
    Blob<float> a(Shape{20}), b(Shape{20});
    fill(a, false, 1), fill(b, false, 2);
    const auto layer = caffe::LayerRegistry<float>::CreateLayer(param);
    layer->SetUp({&a, &b}, {&a});
    layer->Forward({&a, &b}, {&a});
    data.push_back(contents(a, false));
  }
  EXPECT_EQ(data[1], data[0]);
  EXPECT_EQ(log.count("runs stock Caffe's code on the CPU: it works in place"), 1);
}

// --- dropout ---

LayerParameter dropout(float ratio, caffe::Phase phase = caffe::TRAIN) {
  LayerParameter param;
  param.mutable_dropout_param()->set_dropout_ratio(ratio);
  param.set_phase(phase);
  return param;
}

struct DropoutRun {
  std::vector<float> dst, diff_src;
};

// Of ones, forward and backward, after Caffe's generator was seeded.
DropoutRun run(const LayerParameter& param, const std::string& type, unsigned int seed, int count, int forwards = 1) {
  Rig rig(param, type, {{count}}, 1);
  for (Blob<float>* blob : rig.bottom) caffe::caffe_set(count, 1.0F, blob->mutable_cpu_data());
  caffe::caffe_set(count, 1.0F, rig.top[0]->mutable_cpu_diff());
  caffe::Caffe::set_random_seed(seed);
  for (int i = 0; i < forwards; i++) rig.forward();
  rig.backward();
  return {contents(*rig.top[0], false), contents(*rig.bottom[0], true)};
}

TEST_F(ElementwiseLayersTest, DropoutDropsItsRatioAndScalesTheRest) {
  constexpr int kCount = 100000;
  for (const float ratio : {0.1F, 0.5F, 0.75F}) {
    const DropoutRun found = run(dropout(ratio), "FPGADropout", 1701, kCount);
    const auto dropped = std::count(found.dst.begin(), found.dst.end(), 0.0F);
    const auto kept = std::count(found.dst.begin(), found.dst.end(), static_cast<float>(1. / (1. - ratio)));
    EXPECT_EQ(dropped + kept, kCount);
    // Five standard deviations: one seed in two million.
    EXPECT_NEAR(dropped, ratio * kCount, 5 * std::sqrt(kCount * ratio * (1 - ratio)));
    EXPECT_EQ(found.diff_src, found.dst) << "backward has forward's mask";
  }
}

TEST_F(ElementwiseLayersTest, DropoutFollowsCaffesSeed) {
  const auto mask = [](unsigned int seed, int forwards) { return run(dropout(0.5), "FPGADropout", seed, 1000, forwards).dst; };
  EXPECT_EQ(mask(1, 1), mask(1, 1));
  EXPECT_NE(mask(1, 1), mask(2, 1));
  EXPECT_NE(mask(1, 1), mask(1, 2)) << "each pass draws anew";
}

// One number a pass, so that what else draws from Caffe's generator does not depend on how large the layer is.
TEST_F(ElementwiseLayersTest, DropoutDrawsOneNumberAPass) {
  run(dropout(0.5), "FPGADropout", 7, 1000, 3);
  const unsigned int after = caffe::caffe_rng_rand();
  caffe::Caffe::set_random_seed(7);
  for (int i = 0; i < 3; i++) caffe::caffe_rng_rand();
  EXPECT_EQ(after, caffe::caffe_rng_rand());
}

TEST_F(ElementwiseLayersTest, DropoutIsACopyInTest) {
  expect_stock(dropout(0.5, caffe::TEST), "Dropout", {{3, 5, 7}}, 1);
  EXPECT_EQ(in_place(dropout(0.5, caffe::TEST), "FPGADropout", {50}), in_place(dropout(0.5, caffe::TEST), "Dropout", {50}));
}

TEST_F(ElementwiseLayersTest, DropoutWithCaffesMasksIsStock) {
  setenv("BARISTA_MASKS", "caffe", 1);
  for (const float ratio : {0.1F, 0.5F}) {
    const DropoutRun stock = run(dropout(ratio), "Dropout", 3, 1000, 2), fpga = run(dropout(ratio), "FPGADropout", 3, 1000, 2);
    EXPECT_EQ(fpga.dst, stock.dst);
    EXPECT_EQ(fpga.diff_src, stock.diff_src);
    caffe::Caffe::set_random_seed(4);
    const auto stock_in_place = in_place(dropout(ratio), "Dropout", {3, 50});
    caffe::Caffe::set_random_seed(4);
    EXPECT_EQ(in_place(dropout(ratio), "FPGADropout", {3, 50}), stock_in_place);
  }
  setenv("BARISTA_MASKS", "mine", 1);
  EXPECT_DEATH(run(dropout(0.5), "FPGADropout", 3, 10), "BARISTA_MASKS is 'mine', it must be 'device' or 'caffe'");
  unsetenv("BARISTA_MASKS");
}

// --- gradients ---

// Values a quarter apart and away from 0, so that no step of finite differences crosses a kink.
void spread(Blob<float>& blob) {
  const int middle = blob.count() / 2;
  for (int i = 0; i < blob.count(); i++)
    blob.mutable_cpu_data()[i] = 0.25F * static_cast<float>(i * 7 % blob.count() - middle) + 0.125F;
}

TEST_F(ElementwiseLayersTest, GradientsHoldAgainstFiniteDifferences) {
  std::vector<Case> cases = differentiable();
  cases.push_back(prelu(false)), cases.push_back(prelu(true));
  cases.push_back(activation("Dropout", 0, [](LayerParameter& param) { param = dropout(0.5); }));
  for (const Case& c : cases) {
    // Steeper than the checker's step can follow, or not defined, on the numbers below 0.
    if (c.type == "Power" && (c.param.power_param().power() < 0 || c.param.power_param().power() == 3)) continue;
    SCOPED_TRACE(c.type + " " + c.param.ShortDebugString());
    Rig rig(c.param, "FPGA" + c.type, {{2, 5, 2}}, 1);
    spread(*rig.bottom[0]);
    caffe::GradientChecker<float> checker(1e-2F, 1e-2F);
    if (c.type == "PReLU") {
      checker.CheckGradientExhaustive(rig.layer.get(), rig.bottom, rig.top);
    } else {
      checker.CheckGradientEltwise(rig.layer.get(), rig.bottom, rig.top);
    }
  }
}

TEST_F(ElementwiseLayersTest, GradientsOfEltwiseHoldAgainstFiniteDifferences) {
  for (const Case& c : {eltwise(EltwiseParameter::SUM, {2, -1, 3}), eltwise(EltwiseParameter::PROD),
                        eltwise(EltwiseParameter::PROD, {}, false), eltwise(EltwiseParameter::MAX)}) {
    SCOPED_TRACE(c.param.ShortDebugString());
    Rig rig(c.param, "FPGAEltwise", {{2, 9}, {2, 9}, {2, 9}}, 1);
    for (int k = 0; k < 3; k++) {
      spread(*rig.bottom[k]);
      for (int i = 0; i < 18; i++) rig.bottom[k]->mutable_cpu_data()[i] += 0.05F * static_cast<float>(k * (i % 2 == 0 ? 1 : -1));
    }
    caffe::GradientChecker<float> checker(1e-2F, 1e-2F);
    checker.CheckGradientEltwise(rig.layer.get(), rig.bottom, rig.top);
  }
}

TEST_F(ElementwiseLayersTest, TypeIsTheNameThatItIsRegisteredUnder) {
#define TYPE_OF_ROW(Name, its_function) "FPGA" #Name,
  for (const std::string type : {BARISTA_ELEMENTWISE_FUNCTIONS(TYPE_OF_ROW, , ) "FPGAPReLU", "FPGAEltwise", "FPGADropout"}) {
#undef TYPE_OF_ROW
    LayerParameter param;
    param.set_type(type);
    EXPECT_EQ(caffe::LayerRegistry<float>::CreateLayer(param)->type(), type);
    EXPECT_EQ(caffe::LayerRegistry<double>::CreateLayer(param)->type(), type);
  }
}

TEST_F(ElementwiseLayersTest, NetsOfDoublesRunStockCodeAndSaySoOnce) {
  for (const std::string type : {"Sigmoid", "PReLU", "Dropout", "Eltwise"}) {
    CapturedLog log;
    LayerParameter param = type == "Eltwise" ? eltwise(EltwiseParameter::SUM).param : dropout(0.5, caffe::TEST);
    std::vector<std::vector<double>> data;
    for (const std::string prefix : {"", "FPGA"}) {
      param.set_type(prefix + type);
      Blob<double> a(Shape{2, 3}), b(Shape{2, 3}), top;
      for (int i = 0; i < 6; i++) a.mutable_cpu_data()[i] = b.mutable_cpu_data()[i] = i - 2.5;
      std::vector<Blob<double>*> bottom = {&a}, tops = {&top};
      if (type == "Eltwise") bottom.push_back(&b);
      const auto layer = caffe::LayerRegistry<double>::CreateLayer(param);
      layer->SetUp(bottom, tops);
      layer->Forward(bottom, tops);
      layer->Forward(bottom, tops);
      data.emplace_back(top.cpu_data(), top.cpu_data() + 6);
    }
    EXPECT_EQ(data[1], data[0]) << type;
    EXPECT_EQ(log.count("the net is of doubles"), 1) << type;
  }
}

}  // namespace
}  // namespace barista::testing
