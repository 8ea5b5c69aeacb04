// What a device counts and records, and how it refuses a launch.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/own_kernels.hpp"
#include "support/refusal.hpp"

namespace barista::testing {
namespace {

class OneDeviceTest : public OwnKernelsTest {};

TEST_F(OneDeviceTest, CountsWhatWasDone) {
  const device::Counters before = device().counters();
  Buffer src = device().allocate(400), dst = device().allocate(400);
  std::vector<float> values(100, 2);
  device().upload(src, values.data(), 400);
  program().launch({copy(0, src, dst, 50), increment(1, src, 0, 0)});
  device().zero(src);
  device().download(dst, values.data(), 200);
  device().finish();
  const device::Counters after = device().counters();
  EXPECT_EQ(after.buffers_created - before.buffers_created, 2U);
  EXPECT_EQ(after.uploads - before.uploads, 1U);
  EXPECT_EQ(after.upload_bytes - before.upload_bytes, 400U);
  EXPECT_EQ(after.launches - before.launches, 2U);
  EXPECT_EQ(after.downloads - before.downloads, 1U);
  EXPECT_EQ(after.download_bytes - before.download_bytes, 200U);
  EXPECT_EQ(after.waits - before.waits, 2U) << "the download and finish()";
}

TEST_F(OneDeviceTest, RecordsTheTimesOfEveryCommand) {
  constexpr int kTurns = 100'000;
  const Floats values = integers(kCount, 30);
  CanariedBuffer a(device(), values), b(device(), kCount), c(device(), kCount);
  program().launch({copy(0, a, b, kCount)});
  EXPECT_EQ(device().recorded(), 0U) << "nobody records";
  for (int round = 0; round < 2; ++round) {
    const std::int64_t before = nanoseconds();
    device().begin_recording();
    a.upload(values);
    EXPECT_EQ(device().recorded(), 1U);
    program().launch({copy(0, a, b, kCount, kTurns)});
    program().launch({add(1, a, b, c, kCount)});
    c.download();
    device().zero(c, kCount * sizeof(float));
    const std::vector<device::Command> commands = device().end_recording();
    const std::int64_t after = nanoseconds();
    const std::vector<std::string> names = {"upload", "copy", "add", "download", "zero"};
    const std::vector<std::size_t> queues = {2, 0, 1, 3, 2};
    ASSERT_EQ(commands.size(), names.size());
    for (std::size_t i = 0; i < commands.size(); ++i) {
      EXPECT_EQ(commands[i].name, names[i]);
      EXPECT_EQ(commands[i].queue, queues[i]);
      EXPECT_EQ(commands[i].bytes > 0, queues[i] >= 2) << names[i];
      EXPECT_LE(before, commands[i].enqueued);
      EXPECT_LE(commands[i].began, commands[i].ended);
      EXPECT_LE(commands[i].ended, after) << names[i];
      if (i == 0) continue;
      EXPECT_LE(commands[i - 1].ended, commands[i].began) << names[i] << " needs what " << names[i - 1] << " wrote";
    }
    EXPECT_LT(commands[1].began, commands[1].ended) << "it dawdles";
    EXPECT_EQ(device().recorded(), 0U);
  }
  EXPECT_EQ(c.download(), Floats(kCount, 0)) << "it works on as before";
}

TEST_F(OneDeviceTest, RefusesALaunchThatCantBe) {
  Buffer buffer = device().allocate(400), none;
  const auto refuse = [&](const Launch& launch, const std::vector<std::string>& parts) {
    expect_refusal([&] { program().launch({launch}); }, parts);
  };
  refuse({"transpose", 0, {}}, {"transpose", "none of that name", "barista build test"});
  refuse({"increment", 0, {Argument::inout(buffer)}}, {"increment", "1 arguments given", "takes 4"});
  refuse(increment(2, buffer, 0, 1), {"increment", "compute unit 2", "0 to 1"});
  refuse(increment(-1, buffer, 0, 1), {"compute unit -1"});
  refuse(increment(0, none, 0, 1), {"increment", "argument 0", "without memory"});
  Launch wide = increment(0, buffer, 0, 1);
  wide.arguments[1] = Argument::value(1.0);
  refuse(wide, {"increment", "argument 1", "8 bytes"});
}

TEST_F(OneDeviceTest, WorksOnAfterARefusal) {
  const auto values = integers(kCount, 16);
  CanariedBuffer src(device(), values), dst(device(), kCount);
  expect_refusal([&] { program().launch({copy(0, src, dst, kCount, slow()), {"transpose", 1, {}}}); }, {"transpose"});
  src.upload(integers(kCount, 17));
  program().launch({copy(1, src, dst, kCount)});
  EXPECT_EQ(dst.download(), integers(kCount, 17));
}

}  // namespace
}  // namespace barista::testing
