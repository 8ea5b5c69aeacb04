// Transfers that wait on the device and not on the host.
#include <gtest/gtest.h>

#include "support/own_kernels.hpp"

namespace barista::testing {
namespace {

class StagingTest : public OwnKernelsTest {};

TEST_F(StagingTest, UploadWaitsOnTheDeviceNotOnTheHost) {
  const auto before = integers(kCount, 7), after = integers(kCount, 8);
  CanariedBuffer src(device(), before), dst(device(), kCount);
  EXPECT_TRUE(overtakes_a_kernel(src, before, dst, [&] {
    auto passing = after;
    src.upload(passing);
    passing.assign(kCount, -1);  // the caller's memory is the caller's again
  })) << "upload waited for the kernel";
  EXPECT_EQ(dst.download(), before) << "the kernel still needed the contents before the upload";
  EXPECT_EQ(src.download(), after);
}

TEST_F(StagingTest, AnUploadTooLargeToCopyAsideCheaplyDoesNotWaitEither) {
  constexpr int kLarge = 1'000'000;
  const auto before = integers(kLarge, 9), after = integers(kLarge, 10);
  CanariedBuffer src(device(), before), dst(device(), kLarge);
  EXPECT_TRUE(overtakes_a_kernel(src, before, dst, [&] { src.upload(after); })) << "upload waited for the kernel";
  EXPECT_EQ(dst.download(), before);
  EXPECT_EQ(src.download(), after);
}

TEST_F(StagingTest, DownloadWaitsForNeitherReadersNorOthers) {
  const auto values = integers(kCount, 11);
  CanariedBuffer src(device(), values), dst(device(), kCount);
  EXPECT_TRUE(overtakes_a_kernel(src, values, dst, [&] {
    dst.upload(values);  // stands in the queue behind the kernel
    EXPECT_EQ(src.download(), values);
  })) << "download waited for a kernel that only reads the buffer, or for an upload elsewhere";
}

}  // namespace
}  // namespace barista::testing
