// FPGAScale and FPGABias against stock Caffe's, and Caffe's own gradient checker; and what all layers with numbers of each channel share.
//
// All work on the same whole numbers as stock Caffe's layers and must agree with them to the last bit.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "caffe/filler.hpp"
#include "layers/fpga_scale_layer.hpp"
#include "support/layer_rig.hpp"

namespace barista::testing {
namespace {

class ChannelLayersTest : public LayersTest {};

LayerParameter scale(int axis, int num_axes, bool bias_term = false) {
  LayerParameter param;
  param.mutable_scale_param()->set_axis(axis);
  param.mutable_scale_param()->set_num_axes(num_axes);
  param.mutable_scale_param()->set_bias_term(bias_term);
  return param;
}

LayerParameter bias(int axis, int num_axes) {
  LayerParameter param;
  param.mutable_bias_param()->set_axis(axis);
  param.mutable_bias_param()->set_num_axes(num_axes);
  return param;
}

// Where the numbers of a blob lie: axis, and the shape from there on that they have.
struct Axes {
  int axis, num_axes;
};

// All of a blob of four axes.
const std::vector<Axes> kAxes = {{0, 1}, {0, 2}, {0, 4}, {0, -1}, {1, 1},  {1, 2},  {1, -1}, {2, 1},  {2, 2},
                                 {3, 1}, {3, 0}, {0, 0}, {1, 0},  {-1, 1}, {-2, 1}, {-2, 2}, {-3, 1}, {-4, -1}};
const std::vector<Shape> kShapes = {{3, 5, 7, 9}, {2, 17, 1, 1}, {1, 3, 1, 5}, {4, 1, 3, 1}, {1, 1, 1, 1}, {2, 33, 4, 4}};

Shape shape_of_numbers(const Shape& bottom, const Axes& axes) {
  const int first = axes.axis < 0 ? axes.axis + static_cast<int>(bottom.size()) : axes.axis;
  const int last = axes.num_axes < 0 ? static_cast<int>(bottom.size()) : first + axes.num_axes;
  return Shape(bottom.begin() + first, bottom.begin() + last);
}

TEST_F(ChannelLayersTest, ScaleIsStockOnAllAxes) {
  for (const Shape& shape : kShapes)
    for (const Axes& axes : kAxes)
      for (const bool bias_term : {false, true}) {
        const LayerParameter param = scale(axes.axis, axes.num_axes, bias_term);
        SCOPED_TRACE(describe(shape, param));
        expect_stock(param, "Scale", {shape}, 1);
        expect_stock(param, "Scale", {shape, shape_of_numbers(shape, axes)}, 1);
      }
}

TEST_F(ChannelLayersTest, BiasIsStockOnAllAxes) {
  for (const Shape& shape : kShapes)
    for (const Axes& axes : kAxes) {
      const LayerParameter param = bias(axes.axis, axes.num_axes);
      SCOPED_TRACE(describe(shape, param));
      expect_stock(param, "Bias", {shape}, 1);
      expect_stock(param, "Bias", {shape, shape_of_numbers(shape, axes)}, 1);
    }
}

TEST_F(ChannelLayersTest, BlobsOfOtherNumbersOfAxesAreStock) {
  for (const Shape& shape : {Shape{7}, Shape{5, 33}, Shape{3, 4, 18}, Shape{2, 3, 2, 3, 2}})
    for (const int axis : {0, -1})
      for (const int bottoms : {1, 2}) {
        SCOPED_TRACE(describe(shape, scale(axis, 1, true)));
        std::vector<Shape> shapes = {shape, shape_of_numbers(shape, {axis, 1})};
        shapes.resize(bottoms);
        expect_stock(scale(axis, 1, true), "Scale", shapes, 1);
        expect_stock(bias(axis, 1), "Bias", shapes, 1);
      }
  expect_stock(scale(1, 1), "Scale", {{}, {}}, 1);  // blobs without axes; there is no axis 1
  expect_stock(bias(1, 1), "Bias", {{}, {}}, 1);
}

// What a layer that works in place leaves: data and gradients of its one blob, of a second bottom, and of its parameters.
std::vector<std::vector<float>> in_place(LayerParameter param, const std::string& type, const Shape& shape, const Shape* second) {
  param.set_type(type);
  Blob<float> blob(shape), numbers(second != nullptr ? *second : Shape{});
  std::vector<Blob<float>*> bottom = {&blob};
  if (second != nullptr) bottom.push_back(&numbers);
  const auto layer = caffe::LayerRegistry<float>::CreateLayer(param);
  layer->SetUp(bottom, {&blob});
  fill(blob, false, 1), fill(blob, true, 2), fill(numbers, false, 3), fill(numbers, true, 4);
  for (const auto& parameter : layer->blobs()) fill(*parameter, false, 5), fill(*parameter, true, 6);
  layer->Forward(bottom, {&blob});
  std::vector<std::vector<float>> found = {contents(blob, false)};
  layer->Backward({&blob}, {true, true}, bottom);
  found.push_back(contents(blob, true)), found.push_back(contents(numbers, true));
  for (const auto& parameter : layer->blobs()) found.push_back(contents(*parameter, true));
  return found;
}

TEST_F(ChannelLayersTest, ScaleAndBiasInPlaceAreStock) {
  for (const Shape& shape : kShapes)
    for (const Axes& axes : kAxes) {
      SCOPED_TRACE(describe(shape, bias(axes.axis, axes.num_axes)));
      const Shape numbers = shape_of_numbers(shape, axes);
      for (const Shape* second : {static_cast<const Shape*>(nullptr), &numbers}) {
        for (const bool bias_term : {false, true}) {
          const LayerParameter param = scale(axes.axis, axes.num_axes, bias_term);
          EXPECT_EQ(in_place(param, "FPGAScale", shape, second), in_place(param, "Scale", shape, second));
        }
        const LayerParameter param = bias(axes.axis, axes.num_axes);
        EXPECT_EQ(in_place(param, "FPGABias", shape, second), in_place(param, "Bias", shape, second));
      }
    }
}

// All there is to say of which gradients are wanted: each of them alone, and none.
TEST_F(ChannelLayersTest, GradientsGoToWhoAsks) {
  const Shape shape = {2, 5, 6};
  for (const bool of_bottom : {false, true})
    for (const bool of_scale : {false, true})
      for (const bool of_bias : {false, true})
        for (const bool second : {false, true}) {
          std::vector<Shape> shapes = {shape};
          if (second) shapes.push_back({5});
          Rig rig(scale(1, 1, true), "FPGAScale", shapes, 1), all(scale(1, 1, true), "FPGAScale", shapes, 1);
          for (Rig* r : {&rig, &all}) r->forward(), r->fill_top_diffs();
          std::vector<const Blob<float>*> blobs = {rig.bottom[0]}, of_all = {all.bottom[0]};
          for (std::size_t i = 1; i < rig.bottom.size(); i++) blobs.push_back(rig.bottom[i]), of_all.push_back(all.bottom[i]);
          for (const auto& parameter : rig.layer->blobs()) blobs.push_back(parameter.get());
          for (const auto& parameter : all.layer->blobs()) of_all.push_back(parameter.get());
          std::vector<std::vector<float>> before;
          for (const Blob<float>* blob : blobs) before.push_back(contents(*blob, true));
          if (!second) rig.layer->set_param_propagate_down(0, of_scale);
          rig.layer->set_param_propagate_down(second ? 0 : 1, of_bias);
          rig.layer->Backward(rig.top, {of_bottom, of_scale}, rig.bottom);
          all.backward();
          const std::vector<bool> wanted = {of_bottom, of_scale, of_bias};
          for (std::size_t i = 0; i < 3; i++)
            EXPECT_EQ(contents(*blobs[i], true), wanted[i] ? contents(*of_all[i], true) : before[i]) << i << second;
        }
}

TEST_F(ChannelLayersTest, BiasGivesGradientsToWhoAsks) {
  for (const bool of_bottom : {false, true})
    for (const bool of_bias : {false, true}) {
      Rig rig(bias(1, 1), "FPGABias", {{2, 5, 6}}, 1), stock(bias(1, 1), "Bias", {{2, 5, 6}}, 1);
      for (Rig* r : {&rig, &stock}) {
        r->forward(), r->fill_top_diffs();
        r->layer->set_param_propagate_down(0, of_bias);
        r->backward(of_bottom);
      }
      expect_same(*rig.bottom[0], *stock.bottom[0], true, 0, "diff of bottom");
      expect_same(*rig.layer->blobs()[0], *stock.layer->blobs()[0], true, 0, "diff of bias");
    }
}

// Smaller, larger, and as before, with one layer: what it kept of one size must not be taken for another's.
TEST_F(ChannelLayersTest, BottomsMayChangeTheirSize) {
  for (const std::string type : {"Scale", "Bias"}) {
    const LayerParameter param = type == "Scale" ? scale(1, 1, true) : bias(1, 1);
    Rig stock(param, type, {{2, 5, 6, 6}}, 1), fpga(param, "FPGA" + type, {{2, 5, 6, 6}}, 1);
    std::uint32_t seed = 50;
    for (const Shape& shape : {Shape{1, 5, 1, 1}, Shape{3, 5, 9, 9}, Shape{2, 5, 6, 6}}) {
      for (Rig* rig : {&stock, &fpga}) {
        rig->bottom[0]->Reshape(shape);
        fill(*rig->bottom[0], false, seed);
        rig->forward();
        rig->fill_top_diffs(seed + 1);
        rig->backward();
      }
      seed += 2;
      expect_same(*fpga.top[0], *stock.top[0], false, 0, type + ": top");
      expect_same(*fpga.bottom[0], *stock.bottom[0], true, 0, type + ": diff of bottom");
      for (std::size_t i = 0; i < stock.layer->blobs().size(); i++)
        expect_same(*fpga.layer->blobs()[i], *stock.layer->blobs()[i], true, 0, type + ": diff of parameter");
    }
  }
}

TEST_F(ChannelLayersTest, FillersAreStock) {
  LayerParameter of_scale = scale(1, 1, true), of_bias = bias(1, 2), plain = scale(1, 1, true);
  for (caffe::FillerParameter* filler :
       {of_scale.mutable_scale_param()->mutable_filler(), of_scale.mutable_scale_param()->mutable_bias_filler(),
        of_bias.mutable_bias_param()->mutable_filler()}) {
    filler->set_type("uniform");
    filler->set_min(2), filler->set_max(5);
  }
  const auto filled = [](LayerParameter param, const std::string& type) {
    caffe::Caffe::set_random_seed(3);
    param.set_type(type);
    Blob<float> bottom(Shape{2, 5, 6}), top;
    const auto layer = caffe::LayerRegistry<float>::CreateLayer(param);
    layer->SetUp({&bottom}, {&top});
    std::vector<std::vector<float>> found;
    for (const auto& parameter : layer->blobs()) found.push_back(contents(*parameter, false));
    return found;
  };
  EXPECT_EQ(filled(of_scale, "FPGAScale"), filled(of_scale, "Scale"));
  EXPECT_EQ(filled(of_bias, "FPGABias"), filled(of_bias, "Bias"));
  EXPECT_EQ(filled(plain, "FPGAScale"), (std::vector<std::vector<float>>{{1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}}));
}

// Only weights that come with the prototxt can make such a layer.
TEST_F(ChannelLayersTest, ABiasOfAnotherShapeThanTheScaleIsStockAndSaidOnce) {
  CapturedLog log;
  LayerParameter param = scale(1, 1, true);
  for (const Shape& shape : {Shape{5}, Shape{5, 6}}) {
    Blob<float> numbers(shape);
    fill(numbers, false, 1);
    numbers.ToProto(param.add_blobs());
  }
  expect_stock(param, "Scale", {{2, 5, 6}}, 1);
  EXPECT_EQ(log.count("runs stock Caffe's code on the CPU: its weights have a bias of another shape than the scale's"), 1);
}

TEST_F(ChannelLayersTest, GradientsOfScaleAndBiasHoldAgainstFiniteDifferences) {
  caffe::GradientChecker<float> checker(1e-2F, 1e-2F);
  for (const Axes& axes : {Axes{1, 1}, Axes{0, 2}, Axes{2, -1}, Axes{1, 0}})
    for (const bool second : {false, true}) {
      const Shape shape = {2, 3, 4};
      std::vector<Shape> shapes = {shape};
      if (second) shapes.push_back(shape_of_numbers(shape, axes));
      Rig rig(scale(axes.axis, axes.num_axes, true), "FPGAScale", shapes, 1);
      Rig of_bias(bias(axes.axis, axes.num_axes), "FPGABias", shapes, 1);
      checker.CheckGradientExhaustive(rig.layer.get(), rig.bottom, rig.top);
      checker.CheckGradientExhaustive(of_bias.layer.get(), of_bias.bottom, of_bias.top);
    }
}

// --- all ---

TEST_F(ChannelLayersTest, TypeIsTheNameThatItIsRegisteredUnder) {
  for (const std::string type : {"FPGAScale", "FPGABias", "FPGABatchNorm"}) {
    LayerParameter param;
    param.set_type(type);
    EXPECT_EQ(caffe::LayerRegistry<float>::CreateLayer(param)->type(), type);
    EXPECT_EQ(caffe::LayerRegistry<double>::CreateLayer(param)->type(), type);
  }
}

TEST_F(ChannelLayersTest, NetsOfDoublesRunStockCodeAndSaySoOnce) {
  for (const std::string type : {"Scale", "Bias", "BatchNorm"}) {
    CapturedLog log;
    std::vector<std::vector<double>> tops;
    for (const std::string prefix : {"", "FPGA"}) {
      LayerParameter param;
      param.set_type(prefix + type);
      Blob<double> bottom(Shape{2, 3}), top;
      for (int i = 0; i < 6; i++) bottom.mutable_cpu_data()[i] = i * i - 2.5;
      const auto layer = caffe::LayerRegistry<double>::CreateLayer(param);
      layer->SetUp({&bottom}, {&top});
      for (int i = 0; i < 3; i++) layer->blobs()[0]->mutable_cpu_data()[i] = i + 0.5;
      layer->Forward({&bottom}, {&top});
      layer->Forward({&bottom}, {&top});
      tops.emplace_back(top.cpu_data(), top.cpu_data() + 6);
    }
    EXPECT_EQ(tops[1], tops[0]);
    EXPECT_EQ(log.count("the net is of doubles"), 1) << type;
  }
}

}  // namespace
}  // namespace barista::testing
