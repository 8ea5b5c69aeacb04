// A few kernels of a test's own, on a device of its own with two compute units, and how slow they are.
#ifndef BARISTA_TESTS_SUPPORT_OWN_KERNELS_HPP_
#define BARISTA_TESTS_SUPPORT_OWN_KERNELS_HPP_

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "device/program.hpp"
#include "support/canaried_buffer.hpp"
#include "support/integers.hpp"
#include "support/test_program.hpp"

namespace barista::testing {

using device::Argument;
using device::Buffer;
using device::Launch;
using Floats = std::vector<float>;

// `turns` makes a kernel slow before it reads its first value: a chain of dependent steps that no compiler can shorten.
inline const char* const kOwnKernels = R"(
int dawdle(int turns) {
  uint state = 12345u;
  for (int i = 0; i < turns; ++i) state = (state ^ (state << 13)) * 1664525u + 1013904223u;
  return state == 7u;
}
__kernel void copy(__global const float* restrict src, __global float* restrict dst, int count, int turns) {
  const int never = dawdle(turns);
  for (int i = 0; i < count; ++i) dst[i] = src[i] + (float)(never * 1000);
}
__kernel void add(__global const float* a, __global const float* b, __global float* restrict dst, int count, int turns) {
  const int never = dawdle(turns);
  for (int i = 0; i < count; ++i) dst[i] = a[i] + b[i] + (float)(never * 1000);
}
__kernel void increment(__global float* restrict dst, int first, int count, int turns) {
  const int never = dawdle(turns);
  for (int i = 0; i < count; ++i) dst[first + i] += (float)(1 + never);
}
)";

inline const std::vector<std::string> kOwnKernelNames = {"copy", "add", "increment"};

inline Launch copy(int unit, const Buffer& src, Buffer& dst, int count, int turns = 0) {
  return {"copy", unit, {Argument::in(src), Argument::out(dst), Argument::value(count), Argument::value(turns)}};
}

inline Launch add(int unit, const Buffer& a, const Buffer& b, Buffer& dst, int count, int turns = 0) {
  return {"add", unit, {Argument::in(a), Argument::in(b), Argument::out(dst), Argument::value(count), Argument::value(turns)}};
}

inline Launch increment(int unit, Buffer& dst, int first, int count, int turns = 0) {
  return {"increment", unit, {Argument::inout(dst), Argument::value(first), Argument::value(count), Argument::value(turns)}};
}

inline std::int64_t nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double milliseconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

class OwnKernelsTest : public ::testing::Test {
 protected:
  static constexpr int kCount = 1000;

  static void SetUpTestSuite() {
    static const TestProgram made(kOwnKernels, kOwnKernelNames);
    const device::Bitstream bitstream = device::Bitstream::open(made.path());
    device_ = std::make_unique<device::Device>(bitstream);
    program_ = std::make_unique<device::Program>(*device_, bitstream);
  }
  static void TearDownTestSuite() {
    program_.reset();
    device_.reset();
  }

  device::Device& device() { return *device_; }
  device::Program& program() { return *program_; }

  // Turns that keep a kernel busy for some 200 ms on this machine.
  int slow() {
    static const int turns = [this] {
      constexpr int kTrial = 10'000'000;
      CanariedBuffer src(device(), integers(1, 1)), dst(device(), 1);
      const auto trial = [&] {
        program().launch({copy(0, src, dst, 1, kTrial)});
        device().finish();
      };
      trial();  // once for the runtime to warm up
      return static_cast<int>(kTrial * std::clamp(200.0 / milliseconds(trial), 1.0, 200.0));
    }();
    return turns;
  }

  // Whether `work` returns before a kernel has ended that copies `src`, filled with `values`, to `dst`. What waits for the kernel never
  // does; what does not may be held up by all else on the machine, but hardly every time.
  bool overtakes_a_kernel(CanariedBuffer& src, const Floats& values, CanariedBuffer& dst, const std::function<void()>& work) {
    bool overtakes = false;
    for (int attempt = 0; attempt < 10 && !overtakes; ++attempt) {
      src.upload(values);
      device().begin_recording();
      program().launch({copy(0, src, dst, static_cast<int>(values.size()), slow())});
      work();
      const std::int64_t returned = nanoseconds();
      for (const device::Command& command : device().end_recording())
        overtakes = overtakes || (command.name == "copy" && command.ended > returned);
    }
    return overtakes;
  }

 private:
  static inline std::unique_ptr<device::Device> device_;
  static inline std::unique_ptr<device::Program> program_;
};

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_OWN_KERNELS_HPP_
