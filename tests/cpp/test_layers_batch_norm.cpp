// FPGABatchNorm against stock Caffe's, and Caffe's own gradient checker.
//
// Both work on the same whole numbers, but their sums are of fractions, which stock Caffe adds in another order.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "layers/fpga_batch_norm_layer.hpp"
#include "support/layer_rig.hpp"

namespace barista::testing {
namespace {

class BatchNormLayerTest : public LayersTest {};

LayerParameter batch_norm(caffe::Phase phase, float fraction = 0.9F, float eps = 1e-5F) {
  LayerParameter param;
  param.set_phase(phase);
  param.mutable_batch_norm_param()->set_moving_average_fraction(fraction);
  param.mutable_batch_norm_param()->set_eps(eps);
  return param;
}

LayerParameter with_global_stats(LayerParameter param, bool uses) {
  param.mutable_batch_norm_param()->set_use_global_stats(uses);
  return param;
}

// All from -3 to 3, or in a variance from 1 to 9: sums of up to a thousand of them and of their squares are off by a few thousandths of a
// thousandth in stock Caffe, results are below 10.
constexpr double kOfSums = 2e-5;

// A BatchNorm whose statistics have a past.
struct BatchNormRig {
  BatchNormRig(LayerParameter param, const std::string& type, const Shape& shape, bool in_place) : bottom(shape) {
    param.set_type(type), param.set_name(type);
    bottoms = {&bottom}, tops = {in_place ? &bottom : &top};
    layer = caffe::LayerRegistry<float>::CreateLayer(param);
    layer->SetUp(bottoms, tops);
    fill(*layer->blobs()[0], false, 3);
    const int channels = layer->blobs()[1]->count();
    const std::vector<float> variance = integers(channels, 4, 1, 9);
    std::copy(variance.begin(), variance.end(), layer->blobs()[1]->mutable_cpu_data());
    layer->blobs()[2]->mutable_cpu_data()[0] = 2;
    for (const auto& parameter : layer->blobs()) fill(*parameter, true, 5);
  }

  void forward(std::uint32_t seed) {
    fill(bottom, false, seed);
    layer->Forward(bottoms, tops);
  }
  void backward(std::uint32_t seed, bool propagate = true) {
    fill(bottom, true, seed + 1), fill(*tops[0], true, seed);
    layer->Backward(tops, {propagate}, bottoms);
  }

  Blob<float> bottom, top;
  std::vector<Blob<float>*> bottoms, tops;
  boost::shared_ptr<Layer> layer;
};

void expect_stock_left(const BatchNormRig& fpga, const BatchNormRig& stock, const std::string& when) {
  expect_same(*fpga.tops[0], *stock.tops[0], false, kOfSums, when + ": top");
  expect_same(fpga.bottom, stock.bottom, true, kOfSums, when + ": diff of bottom");
  for (int i = 0; i < 2; i++)
    expect_same(*fpga.layer->blobs()[i], *stock.layer->blobs()[i], false, kOfSums, when + ": blob " + std::to_string(i));
  EXPECT_EQ(contents(*fpga.layer->blobs()[2], false), contents(*stock.layer->blobs()[2], false)) << when << ": factor";
  for (int i = 0; i < 3; i++)
    EXPECT_EQ(contents(*fpga.layer->blobs()[i], true), contents(*stock.layer->blobs()[i], true)) << when << ": diff of blob " << i;
}

std::vector<LayerParameter> batch_norms() {
  return {batch_norm(caffe::TRAIN), batch_norm(caffe::TEST), with_global_stats(batch_norm(caffe::TRAIN), true),
          with_global_stats(batch_norm(caffe::TEST), false), batch_norm(caffe::TRAIN, 0.5F, 0.25F)};
}

// No channel has equal values only, of which the gradient would be divided by the root of eps; but one of a single value, and that is 0.
TEST_F(BatchNormLayerTest, BatchNormIsStockInPlaceOrNot) {
  for (const Shape& shape : {Shape{3, 5, 7, 9}, Shape{11, 7}, Shape{19, 33}, Shape{2, 3, 4, 5, 3}, Shape{1, 1, 1, 1},
                             Shape{9, 33, 1, 1}, Shape{2, 17, 3, 2}})
    for (const LayerParameter& param : batch_norms())
      for (const bool in_place : {false, true}) {
        SCOPED_TRACE(describe(shape, param) + (in_place ? " in place" : ""));
        BatchNormRig stock(param, "BatchNorm", shape, in_place), fpga(param, "FPGABatchNorm", shape, in_place);
        for (const std::uint32_t batch : {10, 20, 30}) {
          for (BatchNormRig* rig : {&stock, &fpga}) rig->forward(batch);
          expect_same(*fpga.tops[0], *stock.tops[0], false, kOfSums, "top");
          for (BatchNormRig* rig : {&stock, &fpga}) {
            fill(*rig->tops[0], false, batch + 7);  // as a layer after it does that works in place
            rig->backward(batch + 5);
          }
          expect_stock_left(fpga, stock, "batch " + std::to_string(batch));
        }
      }
}

TEST_F(BatchNormLayerTest, BatchNormStartsWithoutAPast) {
  BatchNormRig stock(batch_norm(caffe::TEST), "BatchNorm", {3, 5, 7}, false);
  BatchNormRig fpga(batch_norm(caffe::TEST), "FPGABatchNorm", {3, 5, 7}, false);
  for (BatchNormRig* rig : {&stock, &fpga}) {
    rig->layer->blobs()[2]->mutable_cpu_data()[0] = 0;
    rig->forward(1);
  }
  // Divided by the root of eps, 316 times as large.
  expect_same(*fpga.tops[0], *stock.tops[0], false, 316 * kOfSums, "top");
}

// The test net of a solver: a layer of its own, with the blobs of the one that trains.
TEST_F(BatchNormLayerTest, BatchNormOfATestNetTakesTheStatisticsThatAreTrained) {
  std::vector<std::vector<float>> tops;
  for (const std::string type : {"BatchNorm", "FPGABatchNorm"}) {
    BatchNormRig trained(batch_norm(caffe::TRAIN), type, {3, 5, 7}, true), tested(batch_norm(caffe::TEST), type, {2, 5, 6}, false);
    for (int i = 0; i < 3; i++) tested.layer->blobs()[i]->ShareData(*trained.layer->blobs()[i]);
    for (const std::uint32_t batch : {1, 2}) {
      trained.forward(batch);
      tested.forward(batch + 2);
      tops.push_back(contents(tested.top, false));
    }
  }
  EXPECT_NE(tops[0], tops[1]);
  for (const int batch : {0, 1})
    for (std::size_t i = 0; i < tops[batch].size(); i++) EXPECT_NEAR(tops[batch + 2][i], tops[batch][i], kOfSums);
}

// A script may read the statistics between two batches, and set them.
TEST_F(BatchNormLayerTest, StatisticsAreTheHostsToReadAndWrite) {
  BatchNormRig rig(batch_norm(caffe::TRAIN, 0.5F), "FPGABatchNorm", {3, 5, 7}, true);
  Blob<float>& factor = *rig.layer->blobs()[2];
  rig.forward(1);
  EXPECT_EQ(factor.cpu_data()[0], 2);
  rig.forward(2);
  factor.mutable_cpu_data()[0] = 8;
  rig.forward(3);
  EXPECT_EQ(factor.cpu_data()[0], 5);
}

TEST_F(BatchNormLayerTest, NothingOfBatchNormPassesThroughTheHost) {
  for (const LayerParameter& param : batch_norms()) {
    SCOPED_TRACE(param.ShortDebugString());
    BatchNormRig rig(param, "FPGABatchNorm", {3, 5, 7}, false);
    rig.forward(1), rig.backward(2);
    const device::Counters before = device().counters();
    for (int step = 0; step < 3; step++) {
      rig.layer->Forward(rig.bottoms, rig.tops);
      rig.layer->Backward(rig.tops, {true}, rig.bottoms);
    }
    const device::Counters after = device().counters();
    EXPECT_GT(after.launches, before.launches);
    EXPECT_EQ(after.uploads, before.uploads);
    EXPECT_EQ(after.downloads, before.downloads);
    EXPECT_EQ(after.waits, before.waits);
    EXPECT_EQ(after.buffers_created, before.buffers_created);
  }
}

TEST_F(BatchNormLayerTest, BatchNormsBottomMayChangeItsSize) {
  for (const LayerParameter& param : batch_norms()) {
    SCOPED_TRACE(param.ShortDebugString());
    BatchNormRig stock(param, "BatchNorm", {2, 5, 6, 6}, false), fpga(param, "FPGABatchNorm", {2, 5, 6, 6}, false);
    std::uint32_t seed = 50;
    for (const Shape& shape : {Shape{2, 5, 1, 1}, Shape{3, 5, 9, 9}, Shape{2, 5, 6, 6}, Shape{7, 5}}) {
      for (BatchNormRig* rig : {&stock, &fpga}) {
        rig->bottom.Reshape(shape);
        rig->forward(seed), rig->backward(seed + 1);
      }
      expect_stock_left(fpga, stock, describe(shape, param));
      seed += 3;
    }
  }
}

TEST_F(BatchNormLayerTest, BatchNormWithoutAGradientForItsBottom) {
  BatchNormRig rig(batch_norm(caffe::TRAIN), "FPGABatchNorm", {3, 5, 7}, false);
  rig.forward(1);
  fill(rig.top, true, 2), fill(rig.bottom, true, 3);
  rig.layer->Backward(rig.tops, {false}, rig.bottoms);
  EXPECT_EQ(contents(rig.bottom, true), integers(105, 3)) << "nobody asked for it";
}

// Of the batch's statistics: the checker moves parameters too, and of the moving ones there is no gradient.
TEST_F(BatchNormLayerTest, GradientsOfBatchNormHoldAgainstFiniteDifferences) {
  for (const LayerParameter& param : {batch_norm(caffe::TRAIN), batch_norm(caffe::TRAIN, 0.5F, 0.25F)}) {
    SCOPED_TRACE(param.ShortDebugString());
    BatchNormRig rig(param, "FPGABatchNorm", {3, 2, 2, 2}, false);
    fill(rig.bottom, false, 1);
    caffe::GradientChecker<float> checker(1e-2F, 1e-3F);
    checker.CheckGradientExhaustive(rig.layer.get(), rig.bottoms, rig.tops);
  }
}

TEST_F(BatchNormLayerTest, WhatStockCodeWouldFallOverIsSaid) {
  const auto set_up = [](const LayerParameter& param, const Shape& shape) { BatchNormRig(param, "FPGABatchNorm", shape, false); };
  EXPECT_DEATH(set_up(batch_norm(caffe::TRAIN), {0, 5, 7}), "there must be at least one value a channel");
  LayerParameter two = batch_norm(caffe::TRAIN), other = batch_norm(caffe::TRAIN), learnt = batch_norm(caffe::TRAIN);
  for (const int channels : {5, 5}) Blob<float>(Shape{channels}).ToProto(two.add_blobs());
  for (const int channels : {5, 4, 1}) Blob<float>(Shape{channels}).ToProto(other.add_blobs());
  learnt.add_param()->set_lr_mult(1);
  EXPECT_DEATH(set_up(two, {3, 5, 7}), "its blobs must be mean, variance and the factor of both");
  EXPECT_DEATH(set_up(other, {3, 5, 7}), "blob 1 has the shape 4 .4. for 5 channels");
  EXPECT_DEATH(set_up(learnt, {3, 5, 7}), "Cannot configure batch normalization statistics");
}

}  // namespace
}  // namespace barista::testing
