// Coherent memory: whoever reads a blob, on the host or on the device, sees what was written last, and copies are made only where
// somebody looks.
//
// "The device" here is upload() and download() on an Access's buffer: what a kernel would write and read. Caffe's side is its own
// code: Blob, Net, snapshots. The counts hold where the hook is live; the same tests run once more with BARISTA_COPY_ALWAYS=1, where
// values must be right all the same.
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "caffe/caffe.hpp"
#include "support/integers.hpp"
#include "support/memory_fixture.hpp"

namespace barista::testing {
namespace {

TEST_F(Memory, TheHookIsLive) { EXPECT_EQ(memory::hook_is_live(), !copies_always()); }

// One blob -------------------------------------------------------------------------------------------------------------------------

TEST_F(Memory, TheDeviceSeesWhatTheHostWrote) {
  Blob<float> blob(2, 3, 4, 5);
  host_writes(blob, integers(120, 1));
  EXPECT_EQ(device_reads(blob), integers(120, 1));
  host_writes(blob, integers(120, 2));
  EXPECT_EQ(device_reads(blob), integers(120, 2));
}

TEST_F(Memory, TheHostSeesWhatTheDeviceWrote) {
  Blob<float> blob(2, 3, 4, 5);
  device_writes(blob, integers(120, 3));
  EXPECT_EQ(host_reads(blob), integers(120, 3));
  device_adds(blob, 10);
  Values expected = integers(120, 3);
  for (float& value : expected) value += 10;
  EXPECT_EQ(host_reads(blob), expected);
  EXPECT_EQ(device_reads(blob), expected);
}

TEST_F(Memory, DataAndDiffAreTwo) {
  Blob<float> blob(1, 1, 1, 9);
  device_writes(blob, integers(9, 4), memory::data);
  device_writes(blob, integers(9, 5), memory::diff);
  EXPECT_EQ(host_reads(blob), integers(9, 4));
  EXPECT_EQ(Values(blob.cpu_diff(), blob.cpu_diff() + 9), integers(9, 5));
}

TEST_F(Memory, CopiesOnlyWhereSomebodyLooks) {
  Blob<float> blob(1, 1, 1, 64);
  host_writes(blob, integers(64, 6));
  const auto device_looks = [&](Use use) { memory::data(blob, use, device()); };
  expect_copies(1, 0, [&] { device_looks(Use::kRead); });
  expect_copies(0, 0, [&] { device_looks(Use::kRead); });
  expect_copies(0, 0, [&] { blob.cpu_data(); });
  expect_copies(0, 0, [&] { device_looks(Use::kReadWrite); });
  expect_copies(0, 1, [&] { blob.cpu_data(); });
  expect_copies(0, 0, [&] { blob.cpu_data(); });
  expect_copies(0, 0, [&] { device_looks(Use::kRead); });
  expect_copies(0, 0, [&] { blob.mutable_cpu_data(); });
  expect_copies(1, 0, [&] { device_looks(Use::kReadWrite); });
  expect_copies(0, 1, [&] { blob.mutable_cpu_data(); });
  expect_copies(0, 0, [&] { device_looks(Use::kWrite); });
}

TEST_F(Memory, WhatNobodyWroteIsZeroAndNeedsNoCopy) {
  Blob<float> blob(1, 1, 1, 100);
  EXPECT_EQ(device_reads(blob, memory::diff), Values(100, 0));
  Blob<float> other(1, 1, 1, 100);
  expect_copies(0, 0, [&] { memory::diff(other, Use::kReadWrite, device()); });
  EXPECT_EQ(Values(other.cpu_diff(), other.cpu_diff() + 100), Values(100, 0));
}

TEST_F(Memory, CaffesOwnSumsAndUpdateSeeTheDevicesValues) {
  Blob<float> blob(1, 1, 1, 4);
  device_writes(blob, {1, -2, 3, -4});
  EXPECT_EQ(blob.asum_data(), 10);
  device_writes(blob, {1, 2, 3, 4});
  EXPECT_EQ(blob.sumsq_data(), 30);
  device_writes(blob, {1, 1, 1, 1}, memory::diff);
  EXPECT_EQ(blob.asum_diff(), 4);
  device_writes(blob, {2, 2, 2, 2}, memory::diff);
  blob.Update();
  EXPECT_EQ(device_reads(blob), (Values{-1, 0, 1, 2}));
  device_adds(blob, 1);
  blob.scale_data(3);
  EXPECT_EQ(device_reads(blob), (Values{0, 3, 6, 9}));
}

TEST_F(Memory, CopyFromAndToProtoSeeTheDevicesValues) {
  Blob<float> blob(1, 1, 2, 2), copied;
  device_writes(blob, {1, 2, 3, 4});
  copied.CopyFrom(blob, false, true);
  EXPECT_EQ(host_reads(copied), (Values{1, 2, 3, 4}));
  device_adds(blob, 1);
  caffe::BlobProto proto;
  blob.ToProto(&proto, false);
  EXPECT_EQ(Values(proto.data().begin(), proto.data().end()), (Values{2, 3, 4, 5}));
  device_adds(copied, 5);
  copied.FromProto(proto, false);
  EXPECT_EQ(device_reads(copied), (Values{2, 3, 4, 5}));
}

TEST_F(Memory, InPlaceWorkMayAskForEitherFirst) {
  for (bool write_first : {true, false}) {
    Blob<float> blob(1, 1, 1, 50);
    host_writes(blob, integers(50, 7));
    {
      Access first = memory::data(blob, write_first ? Use::kWrite : Use::kRead, device());
      Access second = memory::data(blob, write_first ? Use::kRead : Use::kWrite, device());
      Access& src = write_first ? second : first;
      Access& dst = write_first ? first : second;
      Values values(50);
      device().download(src.buffer(), values.data(), 50 * sizeof(float));
      EXPECT_EQ(values, integers(50, 7));
      for (float& value : values) value *= 2;
      device().upload(dst.buffer(), values.data(), 50 * sizeof(float));
    }
    Values expected = integers(50, 7);
    for (float& value : expected) value *= 2;
    EXPECT_EQ(host_reads(blob), expected) << (write_first ? "dst" : "src") << " asked for first";
  }
}

TEST_F(Memory, AnAccessMayMove) {
  Blob<float> blob(1, 1, 1, 3);
  {
    std::vector<Access> kept;
    kept.push_back(memory::data(blob, Use::kWrite, device()));
    const Values values = {1, 2, 3};
    device().upload(kept.front().buffer(), values.data(), sizeof(float) * 3);
  }
  EXPECT_EQ(host_reads(blob), (Values{1, 2, 3}));
}

// Shapes and sharing ---------------------------------------------------------------------------------------------------------------

TEST_F(Memory, AWriteToASmallerShapeLeavesTheRest) {
  Blob<float> blob(1, 1, 1, 100);
  host_writes(blob, integers(100, 8));
  blob.Reshape(1, 1, 1, 40);
  device_writes(blob, integers(40, 9));
  EXPECT_EQ(host_reads(blob), integers(40, 9));
  blob.Reshape(1, 1, 1, 100);
  Values expected = integers(100, 8);
  const Values part = integers(40, 9);
  std::copy(part.begin(), part.end(), expected.begin());
  EXPECT_EQ(device_reads(blob), expected);
  EXPECT_EQ(host_reads(blob), expected);
}

TEST_F(Memory, ALargerShapeStartsAnew) {
  Blob<float> blob(1, 1, 1, 10);
  device_writes(blob, integers(10, 10));
  blob.Reshape(1, 1, 1, 1000);
  EXPECT_EQ(device_reads(blob), Values(1000, 0)) << "as in stock Caffe";
  device_writes(blob, integers(1000, 11));
  EXPECT_EQ(host_reads(blob), integers(1000, 11));
}

TEST_F(Memory, BlobsThatShareMemoryShareTheDevicesCopy) {
  Blob<float> a(1, 1, 1, 20), b(1, 1, 2, 10);
  b.ShareData(a);
  b.ShareDiff(a);
  host_writes(a, integers(20, 12));
  EXPECT_EQ(device_reads(b), integers(20, 12));
  device_writes(b, integers(20, 13));
  EXPECT_EQ(host_reads(a), integers(20, 13));
  device_writes(a, integers(20, 14), memory::diff);
  EXPECT_EQ(Values(b.cpu_diff(), b.cpu_diff() + 20), integers(20, 14));
}

TEST_F(Memory, TheDevicesCopyOutlivesTheBlobThatMadeIt) {
  Blob<float> shared(1, 1, 1, 20);
  {
    Blob<float> first(1, 1, 1, 20);
    shared.ShareData(first);
    device_writes(first, integers(20, 15));
  }
  EXPECT_EQ(host_reads(shared), integers(20, 15));
}

TEST_F(Memory, MemoryOfTheCallersOwn) {
  Values mine = integers(30, 16), next = integers(30, 17);
  Blob<float> blob(1, 1, 1, 30);
  device_writes(blob, integers(30, 18));
  blob.set_cpu_data(mine.data());
  EXPECT_EQ(device_reads(blob), mine) << "what the device wrote before is replaced";
  blob.set_cpu_data(next.data());
  EXPECT_EQ(device_reads(blob), next);
  device_writes(blob, integers(30, 19));
  EXPECT_EQ(host_reads(blob), integers(30, 19));
  EXPECT_EQ(next, integers(30, 19)) << "the host's copy is the caller's memory";
}

// What the host only filled in is in memory once: its pages are given back when the device's copy becomes the newer one. Once: who reads it
// on the host does so again.
TEST_F(Memory, AHostCopyThatIsOutOfDateIsGivenBackOnce) {
  if (copies_always()) GTEST_SKIP() << "the host has the only copy";
  constexpr int kCount = 1 << 20;
  Blob<float> blob(1, 1, 1, kCount);
  host_writes(blob, Values(kCount, 3));
  const float* host = blob.cpu_data();
  device_reads(blob);
  EXPECT_EQ(host[kCount / 2], 3) << "both are the same: it stays";
  device_adds(blob, 1);
  EXPECT_EQ(host[kCount / 2], 0) << "its pages are the system's";
  EXPECT_EQ(host_reads(blob), Values(kCount, 4));
  EXPECT_EQ(blob.cpu_data(), host) << "where it was";
  device_adds(blob, 1);
  EXPECT_EQ(host[kCount / 2], 4) << "somebody reads it: it stays, out of date";
  EXPECT_EQ(host_reads(blob), Values(kCount, 5));
}

TEST_F(Memory, MemoryOfTheCallersOwnIsNeverGivenBack) {
  constexpr int kCount = 1 << 20;
  Values own(kCount, 3);
  Blob<float> blob(1, 1, 1, kCount);
  blob.set_cpu_data(own.data());
  device_adds(blob, 1);
  EXPECT_EQ(own[kCount / 2], copies_always() ? 4 : 3);
  EXPECT_EQ(host_reads(blob), Values(kCount, 4));
}

TEST_F(Memory, ABlobWithoutMemoryIsRefused) {
  const Blob<float> none;
  try {
    memory::data(none, Use::kRead, device());
    FAIL() << "an empty blob has no device memory";
  } catch (const device::Error& error) {
    EXPECT_NE(std::string(error.what()).find("at least one value"), std::string::npos) << error.what();
  }
}

// Threads --------------------------------------------------------------------------------------------------------------------------

TEST_F(Memory, SeveralThreadsMayReadOneBlob) {
  const Values values = integers(50'000, 20);
  for (int round = 0; round < 50; ++round) {
    Blob<float> blob(1, 1, 1, 50'000);  // without memory on the host so far: the first reader makes it
    device_writes(blob, values);
    expect_copies(0, 1, [&] {
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) threads.emplace_back([&] { EXPECT_EQ(host_reads(blob), values); });
      for (std::thread& thread : threads) thread.join();
    });
  }
}

// As a data layer does: a second thread fills batches, the first one makes them its own and trains.
TEST_F(Memory, AThreadMayFillBatchesMeanwhile) {
  constexpr int kBatches = 200, kCount = 500;
  std::vector<std::unique_ptr<Blob<float>>> batches;
  for (int i = 0; i < kBatches; ++i) batches.push_back(std::make_unique<Blob<float>>(1, 1, 1, kCount));
  std::atomic<int> filled{0};
  std::thread prefetch([&] {
    for (int i = 0; i < kBatches; ++i) {
      host_writes(*batches[static_cast<std::size_t>(i)], integers(kCount, static_cast<unsigned>(i)));
      filled = i + 1;
    }
  });
  Blob<float> top(1, 1, 1, kCount);
  for (int i = 0; i < kBatches; ++i) {
    while (filled <= i) std::this_thread::yield();
    top.set_cpu_data(batches[static_cast<std::size_t>(i)]->mutable_cpu_data());
    ASSERT_EQ(device_reads(top), integers(kCount, static_cast<unsigned>(i))) << "batch " << i;
  }
  prefetch.join();
}

// Any sequence ---------------------------------------------------------------------------------------------------------------------

TEST_F(Memory, AnySequenceOfReadersAndWritersSeesTheLastWrite) {
  std::mt19937 generator(21);
  const auto draw = [&](int n) { return static_cast<int>(generator() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 30; ++round) {
    Blob<float> blob(1, 1, 1, 1 + draw(60));
    auto capacity = static_cast<std::size_t>(blob.count());
    Values expected(capacity, 0), mine;
    for (int step = 0; step < 100; ++step) {
      const auto count = static_cast<std::size_t>(blob.count());
      const Values values = integers(count, generator());
      const auto now = [&] { return Values(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(count)); };
      switch (draw(8)) {
        case 0:
          ASSERT_EQ(host_reads(blob), now()) << "round " << round << " step " << step;
          break;
        case 1:
          ASSERT_EQ(device_reads(blob), now()) << "round " << round << " step " << step;
          break;
        case 2:
          host_writes(blob, values);
          std::copy(values.begin(), values.end(), expected.begin());
          break;
        case 3:
          device_writes(blob, values);
          std::copy(values.begin(), values.end(), expected.begin());
          break;
        case 4:
          device_adds(blob, 1);
          for (std::size_t i = 0; i < count; ++i) expected[i] += 1;
          break;
        case 5:
          blob.mutable_cpu_data()[count - 1] = 77;
          expected[count - 1] = 77;
          break;
        case 6:
          if (count != capacity) break;  // Blob::set_cpu_data leaves a smaller memory than capacity_ says: Caffe's own trap
          mine = values;
          blob.set_cpu_data(mine.data());
          expected = mine;
          break;
        default: {
          const auto wanted = static_cast<std::size_t>(draw(80)) + 1;
          blob.Reshape(1, 1, 1, static_cast<int>(wanted));
          if (wanted <= capacity) break;
          capacity = wanted;
          expected.assign(capacity, 0);
        }
      }
    }
  }
}

// Nets -----------------------------------------------------------------------------------------------------------------------------

const char* const kNet = R"(
  name: "two"
  layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { value: 1 } } }
  layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" param { name: "w" } inner_product_param { num_output: 3 bias_term: false weight_filler { value: 1 } } }
  layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" } inner_product_param { num_output: 3 bias_term: false } }
  layer { name: "c" type: "InnerProduct" bottom: "b" top: "c" inner_product_param { num_output: 2 weight_filler { value: 1 } } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "c" bottom: "c" top: "loss" }
)";

template <typename Dtype>
std::unique_ptr<caffe::Net<Dtype>> make_net() {
  caffe::NetParameter param;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kNet, &param));
  param.mutable_state()->set_phase(caffe::TEST);
  return std::make_unique<caffe::Net<Dtype>>(param);
}

Values ones(int count) { return Values(static_cast<std::size_t>(count), 1); }

TEST_F(Memory, GradientsOnTheDeviceAreClearedThere) {
  auto net = make_net<float>();
  ASSERT_EQ(net->learnable_params().size(), 3U) << "w is shared";
  Blob<float>& shared = *net->learnable_params()[0];
  Blob<float>& weights = *net->learnable_params()[1];
  Blob<float>& bias = *net->learnable_params()[2];
  device_writes(shared, ones(shared.count()), memory::diff);
  device_reads(weights, memory::diff);
  host_reads(weights);
  caffe::caffe_set(weights.count(), 5.0F, weights.mutable_cpu_diff());
  caffe::caffe_set(bias.count(), 5.0F, bias.mutable_cpu_diff());
  expect_copies(0, 0, [&] { net->ClearParamDiffs(); });
  EXPECT_EQ(device_reads(shared, memory::diff), Values(9, 0));
  for (Blob<float>* blob : net->learnable_params()) EXPECT_EQ(blob->asum_diff(), 0);
  EXPECT_EQ(net->params()[1]->asum_diff(), 0) << "the second user of w";
}

TEST_F(Memory, GradientsThatNeverSawTheDeviceStayOnTheHost) {
  auto net = make_net<float>();
  for (Blob<float>* blob : net->learnable_params()) caffe::caffe_set(blob->count(), 5.0F, blob->mutable_cpu_diff());
  const Counters before = device().counters();
  net->ClearParamDiffs();
  EXPECT_EQ(device().counters().buffers_created, before.buffers_created);
  for (Blob<float>* blob : net->learnable_params()) EXPECT_EQ(blob->asum_diff(), 0);
}

// They are zeros, of which nobody needs memory to be told.
TEST_F(Memory, GradientsThatNobodyUsedTakeNoMemory) {
  auto net = make_net<float>();
  net->ClearParamDiffs();
  for (Blob<float>* blob : net->learnable_params()) {
    EXPECT_EQ(blob->diff()->head(), caffe::SyncedMemory::UNINITIALIZED);
    EXPECT_EQ(blob->cpu_diff()[0], 0);
  }
}

TEST_F(Memory, NetsOfDoublesAreLeftToCaffe) {
  auto net = make_net<double>();
  for (Blob<double>* blob : net->learnable_params()) caffe::caffe_set(blob->count(), 5.0, blob->mutable_cpu_diff());
  const Counters before = device().counters();
  net->Forward();
  net->ClearParamDiffs();
  for (Blob<double>* blob : net->learnable_params()) EXPECT_EQ(blob->asum_diff(), 0);
  EXPECT_EQ(device().counters().buffers_created, before.buffers_created);
}

TEST_F(Memory, ATestNetSharesTheWeightsOnTheDevice) {
  auto train = make_net<float>(), test = make_net<float>();
  test->ShareTrainedLayersWith(train.get());
  Blob<float>& weights = *train->learnable_params()[0];
  device_writes(weights, Values(9, 2));
  test->Forward();
  EXPECT_EQ(test->blob_by_name("a")->cpu_data()[0], 6) << "three ones times two";
  EXPECT_EQ(test->blob_by_name("b")->cpu_data()[0], 36);
  EXPECT_EQ(device_reads(*test->params()[0]), Values(9, 2));
}

}  // namespace
}  // namespace barista::testing
