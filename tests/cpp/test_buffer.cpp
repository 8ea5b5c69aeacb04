// Device memory: what goes in comes out, at any size, and versions tell contents apart.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "support/own_kernels.hpp"
#include "support/refusal.hpp"

namespace barista::testing {
namespace {

class BufferTest : public OwnKernelsTest {};

TEST_F(BufferTest, BringsBackWhatItWasGivenAtAnySizeAndAlignment) {
  for (std::size_t bytes : {1U, 3U, 64U, 4097U, 256U * 1024U, 256U * 1024U + 1U, 5'000'001U}) {
    for (std::size_t offset : {0U, 1U, 4U}) {
      std::vector<unsigned char> sent(bytes + offset), received(bytes + offset + 1, 0xEE);
      for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<unsigned char>(i * 31 + bytes);
      Buffer buffer = device().allocate(bytes);
      device().upload(buffer, sent.data() + offset, bytes);
      device().download(buffer, received.data() + offset, bytes);
      ASSERT_TRUE(std::equal(sent.begin() + static_cast<std::ptrdiff_t>(offset), sent.end(),
                             received.begin() + static_cast<std::ptrdiff_t>(offset)))
          << bytes << " bytes at offset " << offset;
      ASSERT_EQ(received.back(), 0xEE) << "a download wrote past its end";
    }
  }
}

TEST_F(BufferTest, AnUploadOfAPartLeavesTheRest) {
  Buffer buffer = device().allocate(8 * sizeof(float));
  const std::vector<float> whole = {1, 2, 3, 4, 5, 6, 7, 8}, part = {10, 20};
  device().upload(buffer, whole.data(), 8 * sizeof(float));
  device().upload(buffer, part.data(), 2 * sizeof(float));
  std::vector<float> found(8);
  device().download(buffer, found.data(), 8 * sizeof(float));
  EXPECT_EQ(found, (std::vector<float>{10, 20, 3, 4, 5, 6, 7, 8}));
}

TEST_F(BufferTest, ZeroClearsEveryByte) {
  for (std::size_t bytes : {1U, 7U, 64U, 4099U}) {
    Buffer buffer = device().allocate(bytes);
    std::vector<unsigned char> all(bytes, 0xFF);
    device().upload(buffer, all.data(), bytes);
    device().zero(buffer);
    device().download(buffer, all.data(), bytes);
    EXPECT_EQ(all, std::vector<unsigned char>(bytes, 0)) << bytes << " bytes";
  }
}

TEST_F(BufferTest, ZerosThatTheCallerWritesOverAreNeverWritten) {
  constexpr std::size_t kBytes = kCount * sizeof(float);
  const Floats values = integers(kCount, 31);
  Buffer plain = device().allocate(kBytes);
  CanariedBuffer src(device(), values);
  Floats found(kCount, -1);
  const auto download = [&] {
    device().download(plain, found.data(), kBytes);
    return found;
  };
  EXPECT_FALSE(device().take_zero(plain, kBytes)) << "nobody has set it to zero";
  device().upload(plain, values.data(), kBytes);
  device().zero(plain);
  EXPECT_FALSE(device().take_zero(plain, kBytes - sizeof(float))) << "the rest would not be zero";
  EXPECT_EQ(download(), Floats(kCount, 0));
  EXPECT_TRUE(device().take_zero(plain, kBytes)) << "a download needs no zeros on the device";
  EXPECT_EQ(download(), values) << "what lay there before, now the caller's to write over";
  EXPECT_FALSE(device().take_zero(plain, kBytes)) << "taken once";

  // Whoever uses the buffer otherwise finds zeros.
  device().zero(plain);
  program().launch({increment(1, plain, 0, 10)});
  EXPECT_FALSE(device().take_zero(plain, kBytes)) << "a kernel has used it";
  Floats expected(kCount, 0);
  std::fill_n(expected.begin(), 10, 1.0F);
  EXPECT_EQ(download(), expected);
  device().zero(plain);
  program().launch({copy(0, src, plain, 10)});  // writes a part
  expected = Floats(kCount, 0);
  std::copy_n(values.begin(), 10, expected.begin());
  EXPECT_EQ(download(), expected);
  device().zero(plain);
  device().upload(plain, values.data(), 10 * sizeof(float));
  EXPECT_EQ(download(), expected);
  device().zero(plain);
  device().upload(plain, values.data(), kBytes);
  EXPECT_FALSE(device().take_zero(plain, kBytes)) << "all of it is new";
  EXPECT_EQ(download(), values);
}

TEST_F(BufferTest, VersionsTellContentsApart) {
  Buffer a = device().allocate(16), b = device().allocate(16);
  EXPECT_NE(a.version(), b.version());
  const float values[4] = {1, 2, 3, 4};
  std::vector<std::uint64_t> seen = {a.version(), b.version()};
  const auto expect_new = [&](const char* what) {
    EXPECT_EQ(std::count(seen.begin(), seen.end(), a.version()), 0) << what << " writes the buffer";
    seen.push_back(a.version());
  };
  device().upload(a, values, sizeof values);
  expect_new("upload");
  device().zero(a);
  expect_new("zero");
  program().launch({copy(0, b, a, 4)});
  expect_new("out");
  program().launch({increment(0, a, 0, 4)});
  expect_new("inout");
  const std::uint64_t written = a.version();
  float back[4];
  device().download(a, back, sizeof back);
  program().launch({copy(0, a, b, 4)});
  EXPECT_EQ(a.version(), written) << "reading it does not";
  const Buffer moved = std::move(a);
  EXPECT_EQ(moved.version(), written);
}

TEST_F(BufferTest, RefusesACopyThatCantBe) {
  Buffer buffer = device().allocate(400), none;
  std::vector<char> host(401);
  expect_refusal([&] { device().upload(buffer, host.data(), 401); }, {"upload", "401", "400"});
  expect_refusal([&] { device().download(buffer, host.data(), 401); }, {"download", "401", "400"});
  expect_refusal([&] { device().upload(none, host.data(), 1); }, {"upload", "no memory"});
  expect_refusal([&] { device().zero(none); }, {"zero", "no memory"});
  expect_refusal([&] { device().allocate(0); }, {"0 bytes"});
  expect_refusal([&] { device().allocate(std::size_t{1} << 50); }, {"device memory", std::to_string(std::size_t{1} << 50)});
}

}  // namespace
}  // namespace barista::testing
