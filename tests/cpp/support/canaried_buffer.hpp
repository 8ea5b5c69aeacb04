// Device buffers for tests that notice a write beyond their end and a read of what was never written.
//
// Guard floats follow the payload and are checked by every download. The payload starts as NaN, so that an element that a kernel
// leaves out, or reads before anybody wrote it, ends up in the result. Kernels take whole buffers without an offset, so there is
// no guard before the payload; oclgrind watches that side.
#ifndef BARISTA_TESTS_SUPPORT_CANARIED_BUFFER_HPP_
#define BARISTA_TESTS_SUPPORT_CANARIED_BUFFER_HPP_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "device/device.hpp"

namespace barista::testing {

class CanariedBuffer {
 public:
  // `count` floats, all NaN.
  CanariedBuffer(device::Device& device, std::size_t count)
      : CanariedBuffer(device, std::vector<float>(count, std::numeric_limits<float>::quiet_NaN())) {}

  CanariedBuffer(device::Device& device, const std::vector<float>& values)
      : device_(&device), count_(values.size()), buffer_(device.allocate((values.size() + kGuards) * sizeof(float))) {
    upload(values);
  }

  std::size_t count() const { return count_; }
  device::Buffer& buffer() { return buffer_; }
  operator device::Buffer&() { return buffer_; }              // NOLINT(google-explicit-constructor): stands in for a Buffer
  operator const device::Buffer&() const { return buffer_; }  // NOLINT(google-explicit-constructor)

  // Writes payload and guards anew.
  void upload(const std::vector<float>& values) {
    ASSERT_EQ(values.size(), count_) << "a canaried buffer keeps its size";
    std::vector<float> all = values;
    for (std::size_t i = 0; i < kGuards; ++i) all.push_back(guard(i));
    device_->upload(buffer_, all.data(), all.size() * sizeof(float));
  }

  // The payload. Fails the test where a guard has changed.
  std::vector<float> download() const {
    std::vector<float> all(count_ + kGuards);
    device_->download(buffer_, all.data(), all.size() * sizeof(float));
    for (std::size_t i = 0; i < kGuards; ++i) {
      const float expected = guard(i);
      EXPECT_EQ(std::memcmp(&all[count_ + i], &expected, sizeof expected), 0)
          << "a kernel wrote " << all[count_ + i] << " at float " << count_ + i << " of a buffer of " << count_;
    }
    all.resize(count_);
    return all;
  }

 private:
  // Past the widest store (16 floats) and then some; no two guards are alike, and none is a number that arithmetic on test data makes.
  static constexpr std::size_t kGuards = 64;
  static float guard(std::size_t i) {
    const auto bits = static_cast<std::uint32_t>(0x7fcaff00U + i);  // quiet NaNs with a payload
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  device::Device* device_;
  std::size_t count_;
  device::Buffer buffer_;
};

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_CANARIED_BUFFER_HPP_
