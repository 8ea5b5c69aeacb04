// Blobs that two devices work on: what one wrote the other reads, by way of the host, and copies are counted.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "caffe/blob.hpp"
#include "memory/device_memory.hpp"
#include "support/caffe_fixture.hpp"
#include "support/integers.hpp"
#include "support/second_device.hpp"

namespace barista::testing {
namespace {

using caffe::Blob;
using device::Device;
using memory::Access;
using memory::Use;
using Values = std::vector<float>;

class TravelTest : public CaffeTest {
 protected:
  static constexpr int kCount = 120;

  void SetUp() override {
    CaffeTest::SetUp();
    other_ = std::make_unique<Device>(device::Bitstream::open(program().bitstream().path), kSecondDevice);
  }

  Device& here() { return device(); }
  Device& there() { return *other_; }

  static void write(Blob<float>& blob, const Values& values, Device& on) {
    Access access = memory::data(blob, Use::kWrite, on);
    on.upload(access.buffer(), values.data(), values.size() * sizeof(float));
  }
  static Values read(const Blob<float>& blob, Device& on) {
    Values values(static_cast<std::size_t>(blob.count()));
    Access access = memory::data(blob, Use::kRead, on);
    EXPECT_EQ(&access.buffer().device(), &on);
    on.download(access.buffer(), values.data(), values.size() * sizeof(float));
    return values;
  }

 private:
  std::unique_ptr<Device> other_;
};

TEST_F(TravelTest, WhatOneDeviceWroteTheOtherReads) {
  Blob<float> blob(2, 3, 4, 5);
  for (const std::uint32_t turn : {1U, 3U}) {
    write(blob, integers(kCount, turn), here());
    EXPECT_EQ(read(blob, there()), integers(kCount, turn));
    EXPECT_EQ(read(blob, here()), integers(kCount, turn));
    write(blob, integers(kCount, turn + 1), there());
    EXPECT_EQ(Values(blob.cpu_data(), blob.cpu_data() + kCount), integers(kCount, turn + 1));
    EXPECT_EQ(read(blob, here()), integers(kCount, turn + 1));
  }
}

TEST_F(TravelTest, AJourneyIsOneCopyOutAndOneIn) {
  if (!memory::hook_is_live()) GTEST_SKIP() << "without the hook everything is copied always";
  Blob<float> blob(2, 3, 4, 5);
  write(blob, integers(kCount, 5), here());
  memory::data(blob, Use::kRead, there());  // its buffer there is made now
  write(blob, integers(kCount, 6), here());
  const device::Counters before_here = here().counters(), before_there = there().counters();
  memory::data(blob, Use::kRead, there());
  memory::data(blob, Use::kRead, there());
  const device::Counters after_here = here().counters(), after_there = there().counters();
  EXPECT_EQ(after_here.downloads - before_here.downloads, 1U);
  EXPECT_EQ(after_there.uploads - before_there.uploads, 1U);
  EXPECT_EQ(after_there.buffers_created, before_there.buffers_created);
}

// An update of a part, or on top of the contents, needs them; a layer in place may ask for its result before its input.
TEST_F(TravelTest, WhatIsWrittenOnTopComesAlong) {
  Blob<float> blob(2, 3, 4, 5);
  write(blob, integers(kCount, 7), here());
  {
    Access dst = memory::data(blob, Use::kWrite, there()), src = memory::data(blob, Use::kRead, there());
    Values values(kCount);
    there().download(src.buffer(), values.data(), kCount * sizeof(float));
    if (memory::hook_is_live()) {
      EXPECT_EQ(values, integers(kCount, 7));
    }
    for (float& value : values) value += 1;
    there().upload(dst.buffer(), values.data(), kCount * sizeof(float));
  }
  Values expected = integers(kCount, 7);
  if (memory::hook_is_live()) {
    for (float& value : expected) value += 1;
    EXPECT_EQ(read(blob, here()), expected);
  }
}

TEST_F(TravelTest, WhoKeepsWhatWasThereKeepsItOnItsOwnDevice) {
  if (!memory::hook_is_live()) GTEST_SKIP() << "without the hook it is kept at once";
  Blob<float> blob(2, 3, 4, 5);
  write(blob, integers(kCount, 8), here());
  Values kept(kCount);
  memory::before_in_place(blob, this, /*signs_only=*/false, here(), [&](device::Buffer& contents) {
    EXPECT_EQ(&contents.device(), &here());
    here().download(contents, kept.data(), kCount * sizeof(float));
  });
  memory::data(blob, Use::kReadWrite, there());
  EXPECT_EQ(kept, integers(kCount, 8));
}

TEST_F(TravelTest, TwoDevicesDoNotWriteOneBlobAtOnce) {
  if (!memory::hook_is_live()) GTEST_SKIP() << "without the hook each has a copy of its own";
  Blob<float> blob(2, 3, 4, 5);
  const Access open = memory::data(blob, Use::kWrite, here());
  EXPECT_THROW(memory::data(blob, Use::kRead, there()), device::Error);
}

}  // namespace
}  // namespace barista::testing
