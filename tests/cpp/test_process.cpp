// What the environment names for a process, and devices that stay open until it ends.
#include "device/process.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>

#include "support/test_program.hpp"

namespace barista::testing {
namespace {

// Each in a process of its own, which may change its environment; and how a process ends is seen from outside.
class ProcessDeathTest : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  [[noreturn]] static void ask_and_tell() {
    try {
      device::named_by_environment();
    } catch (const device::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      std::_Exit(3);
    }
    std::_Exit(0);
  }
};

TEST_F(ProcessDeathTest, SaysSoWhereNoneIsNamed) {
  EXPECT_EXIT(
      {
        unsetenv("BARISTA_BITSTREAM");
        ask_and_tell();
      },
      ::testing::ExitedWithCode(3), "BARISTA_BITSTREAM is not set.*barista build");
}

TEST_F(ProcessDeathTest, SaysSoWhereTheIndexIsNoNumber) {
  EXPECT_EXIT(
      {
        setenv("BARISTA_DEVICE_INDEX", "first", 1);
        ask_and_tell();
      },
      ::testing::ExitedWithCode(3), "BARISTA_DEVICE_INDEX is 'first'");
}

TEST_F(ProcessDeathTest, BuffersOfStaticObjectsMayOutliveTheDevice) {
  EXPECT_EXIT(
      {
        // Made before the OpenCL runtime is loaded, so destroyed after it has gone, as are blobs of a net in a global variable.
        static device::Buffer outliving;
        device::Device& device = device::keep_open(std::make_unique<device::Device>(bitstream_under_test()));
        outliving = device.allocate(4'000'000);
        device.zero(outliving);
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace barista::testing
