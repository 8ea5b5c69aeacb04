// DeviceManager and Bitstream: order without events in the caller's hands, counts, and a sentence for every refusal.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include "device/device_manager.hpp"
#include "support/canaried_buffer.hpp"
#include "support/integers.hpp"
#include "support/test_program.hpp"

namespace barista::testing {
namespace {

using device::Argument;
using device::Bitstream;
using device::Buffer;
using device::Counters;
using device::DeviceManager;
using device::Error;
using device::Launch;
using Floats = std::vector<float>;

// `turns` makes a kernel slow before it reads its first value: a chain of dependent steps that no compiler can shorten.
const char* const kSource = R"(
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

const TestProgram& program() {
  static const TestProgram made(kSource, {"copy", "add", "increment"});
  return made;
}

Launch copy(int unit, const Buffer& src, Buffer& dst, int count, int turns = 0) {
  return {"copy", unit, {Argument::in(src), Argument::out(dst), Argument::value(count), Argument::value(turns)}};
}

Launch add(int unit, const Buffer& a, const Buffer& b, Buffer& dst, int count, int turns = 0) {
  return {"add", unit, {Argument::in(a), Argument::in(b), Argument::out(dst), Argument::value(count), Argument::value(turns)}};
}

Launch increment(int unit, Buffer& dst, int first, int count, int turns = 0) {
  return {"increment", unit, {Argument::inout(dst), Argument::value(first), Argument::value(count), Argument::value(turns)}};
}

std::int64_t nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double milliseconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

class Device : public ::testing::Test {
 protected:
  static constexpr int kCount = 1000;

  static void SetUpTestSuite() { manager_ = new DeviceManager(Bitstream::open(program().path())); }
  static void TearDownTestSuite() {
    delete manager_;
    manager_ = nullptr;
  }

  DeviceManager& manager() { return *manager_; }

  // Turns that keep a kernel busy for some 200 ms on this machine.
  int slow() {
    static const int turns = [this] {
      constexpr int kTrial = 10'000'000;
      CanariedBuffer src(manager(), integers(1, 1)), dst(manager(), 1);
      const auto trial = [&] {
        manager().launch({copy(0, src, dst, 1, kTrial)});
        manager().finish();
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
      manager().begin_recording();
      manager().launch({copy(0, src, dst, static_cast<int>(values.size()), slow())});
      work();
      const std::int64_t returned = nanoseconds();
      for (const device::Command& command : manager().end_recording())
        overtakes = overtakes || (command.name == "copy" && command.ended > returned);
    }
    return overtakes;
  }

 private:
  static DeviceManager* manager_;
};

DeviceManager* Device::manager_ = nullptr;

// Copies ---------------------------------------------------------------------------------------------------------------------------

TEST_F(Device, BringsBackWhatItWasGivenAtAnySizeAndAlignment) {
  for (std::size_t bytes : {1U, 3U, 64U, 4097U, 256U * 1024U, 256U * 1024U + 1U, 5'000'001U}) {
    for (std::size_t offset : {0U, 1U, 4U}) {
      std::vector<unsigned char> sent(bytes + offset), received(bytes + offset + 1, 0xEE);
      for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<unsigned char>(i * 31 + bytes);
      Buffer buffer = manager().allocate(bytes);
      manager().upload(buffer, sent.data() + offset, bytes);
      manager().download(buffer, received.data() + offset, bytes);
      ASSERT_TRUE(std::equal(sent.begin() + static_cast<std::ptrdiff_t>(offset), sent.end(),
                             received.begin() + static_cast<std::ptrdiff_t>(offset)))
          << bytes << " bytes at offset " << offset;
      ASSERT_EQ(received.back(), 0xEE) << "a download wrote past its end";
    }
  }
}

TEST_F(Device, AnUploadOfAPartLeavesTheRest) {
  Buffer buffer = manager().allocate(8 * sizeof(float));
  const std::vector<float> whole = {1, 2, 3, 4, 5, 6, 7, 8}, part = {10, 20};
  manager().upload(buffer, whole.data(), 8 * sizeof(float));
  manager().upload(buffer, part.data(), 2 * sizeof(float));
  std::vector<float> found(8);
  manager().download(buffer, found.data(), 8 * sizeof(float));
  EXPECT_EQ(found, (std::vector<float>{10, 20, 3, 4, 5, 6, 7, 8}));
}

TEST_F(Device, ZeroClearsEveryByte) {
  for (std::size_t bytes : {1U, 7U, 64U, 4099U}) {
    Buffer buffer = manager().allocate(bytes);
    std::vector<unsigned char> all(bytes, 0xFF);
    manager().upload(buffer, all.data(), bytes);
    manager().zero(buffer);
    manager().download(buffer, all.data(), bytes);
    EXPECT_EQ(all, std::vector<unsigned char>(bytes, 0)) << bytes << " bytes";
  }
}

TEST_F(Device, ZerosThatTheCallerWritesOverAreNeverWritten) {
  constexpr std::size_t kBytes = kCount * sizeof(float);
  const Floats values = integers(kCount, 31);
  Buffer plain = manager().allocate(kBytes);
  CanariedBuffer src(manager(), values);
  Floats found(kCount, -1);
  const auto download = [&] {
    manager().download(plain, found.data(), kBytes);
    return found;
  };
  EXPECT_FALSE(manager().take_zero(plain, kBytes)) << "nobody has set it to zero";
  manager().upload(plain, values.data(), kBytes);
  manager().zero(plain);
  EXPECT_FALSE(manager().take_zero(plain, kBytes - sizeof(float))) << "the rest would not be zero";
  EXPECT_EQ(download(), Floats(kCount, 0));
  EXPECT_TRUE(manager().take_zero(plain, kBytes)) << "a download needs no zeros on the device";
  EXPECT_EQ(download(), values) << "what lay there before, now the caller's to write over";
  EXPECT_FALSE(manager().take_zero(plain, kBytes)) << "taken once";

  // Whoever uses the buffer otherwise finds zeros.
  manager().zero(plain);
  manager().launch({increment(1, plain, 0, 10)});
  EXPECT_FALSE(manager().take_zero(plain, kBytes)) << "a kernel has used it";
  Floats expected(kCount, 0);
  std::fill_n(expected.begin(), 10, 1.0F);
  EXPECT_EQ(download(), expected);
  manager().zero(plain);
  manager().launch({copy(0, src, plain, 10)});  // writes a part
  expected = Floats(kCount, 0);
  std::copy_n(values.begin(), 10, expected.begin());
  EXPECT_EQ(download(), expected);
  manager().zero(plain);
  manager().upload(plain, values.data(), 10 * sizeof(float));
  EXPECT_EQ(download(), expected);
  manager().zero(plain);
  manager().upload(plain, values.data(), kBytes);
  EXPECT_FALSE(manager().take_zero(plain, kBytes)) << "all of it is new";
  EXPECT_EQ(download(), values);
}

// Order ----------------------------------------------------------------------------------------------------------------------------

TEST_F(Device, AReaderOnAnotherUnitWaitsForTheWriter) {
  const auto values = integers(kCount, 2);
  CanariedBuffer src(manager(), values), middle(manager(), kCount), dst(manager(), kCount);
  manager().launch({copy(0, src, middle, kCount, slow())});
  manager().launch({copy(1, middle, dst, kCount)});
  EXPECT_EQ(dst.download(), values);
}

TEST_F(Device, AWriterOnAnotherUnitWaitsForTheReader) {
  const auto before = integers(kCount, 3), after = integers(kCount, 4);
  CanariedBuffer src(manager(), before), other(manager(), after), dst(manager(), kCount);
  manager().launch({copy(0, src, dst, kCount, slow())});
  manager().launch({copy(1, other, src, kCount)});
  EXPECT_EQ(dst.download(), before);
  EXPECT_EQ(src.download(), after);
}

TEST_F(Device, TheLaterOfTwoWritersWins) {
  const auto first = integers(kCount, 5), second = integers(kCount, 6);
  CanariedBuffer a(manager(), first), b(manager(), second), dst(manager(), kCount);
  manager().launch({copy(0, a, dst, kCount, slow())});
  manager().launch({copy(1, b, dst, kCount)});
  EXPECT_EQ(dst.download(), second);
}

TEST_F(Device, AGroupsWritersOfOneBufferAreAllWaitedFor) {
  CanariedBuffer dst(manager(), std::vector<float>(kCount, 0)), copied(manager(), kCount);
  manager().launch({increment(0, dst, 0, kCount / 2, slow()), increment(1, dst, kCount / 2, kCount / 2, slow() / 2)});
  manager().launch({copy(1, dst, copied, kCount)});
  EXPECT_EQ(copied.download(), std::vector<float>(kCount, 1));
}

// Groups that are held back ----------------------------------------------------------------------------------------------------------

bool is_held(DeviceManager& manager, const Buffer& written) {
  bool asked = false;
  manager.amend(written, [&](std::vector<Launch>& /*group*/) {
    asked = true;
    return false;
  });
  return asked;
}

TEST_F(Device, AHeldGroupRunsBeforeWhoeverNeedsIt) {
  const auto first = integers(kCount, 41), second = integers(kCount, 42);
  const std::vector<std::pair<const char*, std::function<Floats(CanariedBuffer&, CanariedBuffer&)>>> needs = {
      {"a download of what it writes", [](CanariedBuffer& /*src*/, CanariedBuffer& dst) { return dst.download(); }},
      {"an upload to what it reads",
       [&](CanariedBuffer& src, CanariedBuffer& dst) {
         src.upload(second);
         return dst.download();
       }},
      {"an upload to what it writes",
       [&](CanariedBuffer& /*src*/, CanariedBuffer& dst) {
         dst.upload(first);
         return dst.download();
       }},
      {"zeros for what it reads",
       [&](CanariedBuffer& src, CanariedBuffer& dst) {
         manager().zero(src);
         manager().finish();
         return dst.download();
       }},
      {"another launch",
       [&](CanariedBuffer& /*src*/, CanariedBuffer& dst) {
         CanariedBuffer copied(manager(), kCount);
         manager().launch({copy(1, dst, copied, kCount)});
         return copied.download();
       }},
      {"another group held", [&](CanariedBuffer& /*src*/, CanariedBuffer& dst) {
         CanariedBuffer copied(manager(), kCount);
         manager().launch_held({copy(1, dst, copied, kCount)});
         return copied.download();
       }}};
  for (const auto& [what, need] : needs) {
    CanariedBuffer src(manager(), first), dst(manager(), kCount);
    const std::uint64_t version = dst.buffer().version(), launches = manager().counters().launches;
    manager().launch_held({copy(0, src, dst, kCount)});
    EXPECT_NE(dst.buffer().version(), version) << what << ": its contents are others from here on";
    EXPECT_EQ(manager().counters().launches, launches + 1) << what;
    EXPECT_TRUE(is_held(manager(), dst)) << what;
    EXPECT_EQ(need(src, dst), first) << what;
    EXPECT_FALSE(is_held(manager(), dst)) << what;
  }
}

TEST_F(Device, ZerosAfterAHeldGroupAreNotItsResult) {
  CanariedBuffer src(manager(), integers(kCount, 43));
  Buffer dst = manager().allocate(kCount * sizeof(float));
  manager().launch_held({copy(0, src, dst, kCount)});
  manager().zero(dst);
  Floats found(kCount, -1);
  manager().download(dst, found.data(), dst.bytes());
  EXPECT_EQ(found, Floats(kCount, 0));
}

TEST_F(Device, WhatAHeldGroupHasNothingToDoWithLeavesItHeld) {
  CanariedBuffer src(manager(), integers(kCount, 44)), dst(manager(), kCount), other(manager(), kCount);
  manager().launch_held({copy(0, src, dst, kCount)});
  other.upload(integers(kCount, 45));
  other.download();
  EXPECT_FALSE(manager().amend(other, [](std::vector<Launch>& /*group*/) { return true; })) << "it does not write that buffer";
  EXPECT_FALSE(manager().amend(src, [](std::vector<Launch>& /*group*/) { return true; })) << "it only reads that buffer";
  EXPECT_FALSE(manager().amend(dst, [](std::vector<Launch>& /*group*/) { return false; })) << "whoever was asked declined";
  EXPECT_TRUE(is_held(manager(), dst));
  EXPECT_EQ(dst.download(), integers(kCount, 44));
}

// What the amendment launches runs first, and the group runs once, as it was made.
TEST_F(Device, AHeldGroupIsAmended) {
  CanariedBuffer src(manager(), Floats(kCount, 1)), other(manager(), Floats(kCount, 10)), dst(manager(), kCount);
  manager().launch_held({copy(0, src, dst, kCount)});
  const std::uint64_t amended = manager().counters().amended;
  EXPECT_TRUE(manager().amend(dst, [&](std::vector<Launch>& group) {
    manager().launch({increment(1, other, 0, kCount, slow())});
    EXPECT_EQ(group.at(0).arguments.at(2).as<int>(), kCount);
    EXPECT_THROW(group.at(0).arguments.at(2).as<double>(), Error);
    group = {add(0, src, other, dst, kCount)};
    return true;
  }));
  EXPECT_EQ(manager().counters().amended, amended + 1);
  EXPECT_EQ(dst.download(), Floats(kCount, 12));
  EXPECT_FALSE(manager().amend(dst, [](std::vector<Launch>& /*group*/) { return true; })) << "it ran already";
}

TEST_F(Device, AnAmendmentThatFailsLeavesTheGroup) {
  CanariedBuffer src(manager(), Floats(kCount, 1)), dst(manager(), kCount);
  manager().launch_held({copy(0, src, dst, kCount)});
  EXPECT_THROW(manager().amend(dst, [](std::vector<Launch>& /*group*/) -> bool { throw Error("no"); }), Error);
  EXPECT_EQ(dst.download(), Floats(kCount, 1));
}

// It keeps the place in which it was asked for, whatever comes before it is enqueued.
TEST_F(Device, AHeldGroupIsRecordedWhereItWasMade) {
  CanariedBuffer src(manager(), Floats(kCount, 1)), dst(manager(), kCount), other(manager(), kCount);
  manager().begin_recording();
  manager().launch_held({copy(0, src, dst, kCount)});
  EXPECT_EQ(manager().recorded(), 1U);
  other.upload(Floats(kCount, 2));
  dst.download();
  const std::vector<device::Command> commands = manager().end_recording();
  std::vector<std::string> names;
  for (const device::Command& command : commands) {
    names.push_back(command.name);
    EXPECT_GT(command.ended, 0);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"copy", "upload", "download"}));
  EXPECT_GE(commands[0].enqueued, commands[1].enqueued);
}

TEST_F(Device, AHeldGroupThatCannotRunIsRefusedAtOnce) {
  CanariedBuffer src(manager(), Floats(kCount, 1)), dst(manager(), kCount);
  EXPECT_THROW(manager().launch_held({copy(7, src, dst, kCount)}), Error);
}

// The host ----------------------------------------------------------------------------------------------------------------------------

TEST_F(Device, UploadWaitsOnTheDeviceNotOnTheHost) {
  const auto before = integers(kCount, 7), after = integers(kCount, 8);
  CanariedBuffer src(manager(), before), dst(manager(), kCount);
  EXPECT_TRUE(overtakes_a_kernel(src, before, dst, [&] {
    auto passing = after;
    src.upload(passing);
    passing.assign(kCount, -1);  // the caller's memory is the caller's again
  })) << "upload waited for the kernel";
  EXPECT_EQ(dst.download(), before) << "the kernel still needed the contents before the upload";
  EXPECT_EQ(src.download(), after);
}

TEST_F(Device, AnUploadTooLargeToCopyAsideCheaplyDoesNotWaitEither) {
  constexpr int kLarge = 1'000'000;
  const auto before = integers(kLarge, 9), after = integers(kLarge, 10);
  CanariedBuffer src(manager(), before), dst(manager(), kLarge);
  EXPECT_TRUE(overtakes_a_kernel(src, before, dst, [&] { src.upload(after); })) << "upload waited for the kernel";
  EXPECT_EQ(dst.download(), before);
  EXPECT_EQ(src.download(), after);
}

TEST_F(Device, DownloadWaitsForNeitherReadersNorOthers) {
  const auto values = integers(kCount, 11);
  CanariedBuffer src(manager(), values), dst(manager(), kCount);
  EXPECT_TRUE(overtakes_a_kernel(src, values, dst, [&] {
    dst.upload(values);  // stands in the queue behind the kernel
    EXPECT_EQ(src.download(), values);
  })) << "download waited for a kernel that only reads the buffer, or for an upload elsewhere";
}

TEST_F(Device, ZeroWaitsForReadersAndWriters) {
  const auto values = integers(kCount, 12);
  CanariedBuffer src(manager(), values), dst(manager(), kCount);
  Buffer plain = manager().allocate(kCount * sizeof(float));
  manager().upload(plain, values.data(), kCount * sizeof(float));
  manager().launch({copy(0, plain, dst, kCount, slow())});
  manager().zero(plain);
  EXPECT_EQ(dst.download(), values);
  manager().launch({copy(1, src, plain, kCount, slow())});
  manager().zero(plain);
  std::vector<float> found(kCount, -1);
  manager().download(plain, found.data(), kCount * sizeof(float));
  EXPECT_EQ(found, std::vector<float>(kCount, 0));
}

TEST_F(Device, ABufferMayGoWhileAKernelUsesIt) {
  const auto values = integers(kCount, 13);
  CanariedBuffer dst(manager(), kCount);
  {
    CanariedBuffer src(manager(), values);
    manager().launch({copy(0, src, dst, kCount, slow())});
  }
  CanariedBuffer in_its_place(manager(), integers(kCount, 14));
  EXPECT_EQ(dst.download(), values);
}

// Any order of commands leaves what the same commands, one by one, leave on the host.
TEST_F(Device, RandomCommandsEqualTheSameOnTheHost) {
  constexpr int kBuffers = 5, kSmall = 33, kSteps = 3000;
  std::mt19937 generator(15);
  const auto draw = [&](int n) { return static_cast<int>(generator() % static_cast<unsigned>(n)); };
  std::vector<std::vector<float>> host;
  std::vector<CanariedBuffer> device;
  for (int i = 0; i < kBuffers; ++i) {
    host.push_back(integers(kSmall, 100 + static_cast<unsigned>(i)));
    device.emplace_back(manager(), host.back());
  }
  for (int step = 0; step < kSteps; ++step) {
    const auto a = static_cast<std::size_t>(draw(kBuffers)), b = static_cast<std::size_t>(draw(kBuffers));
    const auto dst = static_cast<std::size_t>(draw(kBuffers));
    const int unit = draw(2), turns = draw(4) == 0 ? draw(20'000) : 0;
    switch (draw(6)) {
      case 0:
        if (a == dst) break;
        manager().launch({copy(unit, device[a], device[dst], kSmall, turns)});
        host[dst] = host[a];
        break;
      case 1:
        if (a == dst || b == dst) break;
        manager().launch({add(unit, device[a], device[b], device[dst], kSmall, turns)});
        for (std::size_t i = 0; i < kSmall; ++i) host[dst][i] = host[a][i] + host[b][i];
        break;
      case 2:
        manager().launch({increment(unit, device[dst], 0, 20, turns), increment(1 - unit, device[dst], 20, 13, turns)});
        for (float& value : host[dst]) value += 1;
        break;
      case 3:
        host[dst] = integers(kSmall, 200 + static_cast<unsigned>(step));
        device[dst].upload(host[dst]);
        break;
      case 4:
        ASSERT_EQ(device[dst].download(), host[dst]) << "at step " << step;
        break;
      default:
        if (a == dst || a == b || b == dst) break;
        manager().launch({copy(0, device[a], device[dst], kSmall, turns), increment(1, device[b], 0, kSmall)});
        host[dst] = host[a];
        for (float& value : host[b]) value += 1;
        break;
    }
  }
  for (std::size_t i = 0; i < kBuffers; ++i) EXPECT_EQ(device[i].download(), host[i]) << "buffer " << i;
}

TEST_F(Device, ThreadsMayShareIt) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (unsigned round = 0; round < 50; ++round) {
        const auto values = integers(kCount, round * 4 + static_cast<unsigned>(t));
        CanariedBuffer src(manager(), values), dst(manager(), kCount);
        manager().launch({copy(t % 2, src, dst, kCount)});
        ASSERT_EQ(dst.download(), values);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Counts ---------------------------------------------------------------------------------------------------------------------------

TEST_F(Device, CountsWhatWasDone) {
  const Counters before = manager().counters();
  Buffer src = manager().allocate(400), dst = manager().allocate(400);
  std::vector<float> values(100, 2);
  manager().upload(src, values.data(), 400);
  manager().launch({copy(0, src, dst, 50), increment(1, src, 0, 0)});
  manager().zero(src);
  manager().download(dst, values.data(), 200);
  manager().finish();
  const Counters after = manager().counters();
  EXPECT_EQ(after.buffers_created - before.buffers_created, 2U);
  EXPECT_EQ(after.uploads - before.uploads, 1U);
  EXPECT_EQ(after.upload_bytes - before.upload_bytes, 400U);
  EXPECT_EQ(after.launches - before.launches, 2U);
  EXPECT_EQ(after.downloads - before.downloads, 1U);
  EXPECT_EQ(after.download_bytes - before.download_bytes, 200U);
  EXPECT_EQ(after.waits - before.waits, 2U) << "the download and finish()";
}

TEST_F(Device, RecordsTheTimesOfEveryCommand) {
  constexpr int kTurns = 100'000;
  const Floats values = integers(kCount, 30);
  CanariedBuffer a(manager(), values), b(manager(), kCount), c(manager(), kCount);
  manager().launch({copy(0, a, b, kCount)});
  EXPECT_EQ(manager().recorded(), 0U) << "nobody records";
  for (int round = 0; round < 2; ++round) {
    const std::int64_t before = nanoseconds();
    manager().begin_recording();
    a.upload(values);
    EXPECT_EQ(manager().recorded(), 1U);
    manager().launch({copy(0, a, b, kCount, kTurns)});
    manager().launch({add(1, a, b, c, kCount)});
    c.download();
    manager().zero(c, kCount * sizeof(float));
    const std::vector<device::Command> commands = manager().end_recording();
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
    EXPECT_EQ(manager().recorded(), 0U);
  }
  EXPECT_EQ(c.download(), Floats(kCount, 0)) << "it works on as before";
}

TEST_F(Device, VersionsTellContentsApart) {
  Buffer a = manager().allocate(16), b = manager().allocate(16);
  EXPECT_NE(a.version(), b.version());
  const float values[4] = {1, 2, 3, 4};
  std::vector<std::uint64_t> seen = {a.version(), b.version()};
  const auto expect_new = [&](const char* what) {
    EXPECT_EQ(std::count(seen.begin(), seen.end(), a.version()), 0) << what << " writes the buffer";
    seen.push_back(a.version());
  };
  manager().upload(a, values, sizeof values);
  expect_new("upload");
  manager().zero(a);
  expect_new("zero");
  manager().launch({copy(0, b, a, 4)});
  expect_new("out");
  manager().launch({increment(0, a, 0, 4)});
  expect_new("inout");
  const std::uint64_t written = a.version();
  float back[4];
  manager().download(a, back, sizeof back);
  manager().launch({copy(0, a, b, 4)});
  EXPECT_EQ(a.version(), written) << "reading it does not";
  const Buffer moved = std::move(a);
  EXPECT_EQ(moved.version(), written);
}

// Refusals -------------------------------------------------------------------------------------------------------------------------

// One sentence with every one of `parts` in it.
void expect_refusal(const std::function<void()>& work, const std::vector<std::string>& parts) {
  try {
    work();
    ADD_FAILURE() << "nothing was refused; expected: " << ::testing::PrintToString(parts);
  } catch (const Error& error) {
    const std::string sentence = error.what();
    for (const std::string& part : parts)
      EXPECT_NE(sentence.find(part), std::string::npos) << "no '" << part << "' in: " << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
  }
}

TEST_F(Device, RefusesALaunchThatCantBe) {
  Buffer buffer = manager().allocate(400), none;
  const auto refuse = [&](const Launch& launch, const std::vector<std::string>& parts) {
    expect_refusal([&] { manager().launch({launch}); }, parts);
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

TEST_F(Device, RefusesACopyThatCantBe) {
  Buffer buffer = manager().allocate(400), none;
  std::vector<char> host(401);
  expect_refusal([&] { manager().upload(buffer, host.data(), 401); }, {"upload", "401", "400"});
  expect_refusal([&] { manager().download(buffer, host.data(), 401); }, {"download", "401", "400"});
  expect_refusal([&] { manager().upload(none, host.data(), 1); }, {"upload", "no memory"});
  expect_refusal([&] { manager().zero(none); }, {"zero", "no memory"});
  expect_refusal([&] { manager().allocate(0); }, {"0 bytes"});
  expect_refusal([&] { manager().allocate(std::size_t{1} << 50); }, {"device memory", std::to_string(std::size_t{1} << 50)});
}

TEST_F(Device, WorksOnAfterARefusal) {
  const auto values = integers(kCount, 16);
  CanariedBuffer src(manager(), values), dst(manager(), kCount);
  expect_refusal([&] { manager().launch({copy(0, src, dst, kCount, slow()), {"transpose", 1, {}}}); }, {"transpose"});
  src.upload(integers(kCount, 17));
  manager().launch({copy(1, src, dst, kCount)});
  EXPECT_EQ(dst.download(), integers(kCount, 17));
}

class BitstreamRefusal : public ::testing::Test {
 protected:
  // A good bitstream, to be spoiled.
  TestProgram program_{kSource, {"copy", "add", "increment"}};

  void expect(const std::vector<std::string>& parts) {
    std::vector<std::string> all = parts;
    all.push_back(program_.path());
    expect_refusal([&] { DeviceManager manager(Bitstream::open(program_.path()), index_); }, all);
  }
  int index_ = 0;
};

TEST_F(BitstreamRefusal, NothingWhenItIsGood) { DeviceManager manager(Bitstream::open(program_.path())); }

TEST_F(BitstreamRefusal, NoBinary) {
  std::filesystem::remove(program_.path());
  expect({"missing", "barista build"});
}

TEST_F(BitstreamRefusal, NoManifest) {
  std::filesystem::remove(program_.manifest_path());
  expect({program_.manifest_path(), "missing", "barista build"});
}

TEST_F(BitstreamRefusal, AFolder) {
  std::filesystem::remove(program_.path());
  std::filesystem::create_directory(program_.path());
  expect({"unreadable"});
}

TEST_F(BitstreamRefusal, CutShort) {
  program_.binary.resize(program_.binary.size() / 2);
  program_.write();
  expect({"corrupt", "SHA-256", "barista build test"});
}

TEST_F(BitstreamRefusal, OneBitWrong) {
  program_.binary[program_.binary.size() / 2] ^= 1;
  program_.write();
  expect({"corrupt", "barista build test"});
}

TEST_F(BitstreamRefusal, NotAProgram) {
  program_.binary = "no program at all";
  program_.manifest["binary_sha256"] = sha256(program_.binary);
  program_.write();
  expect({"barista build test"});
}

TEST_F(BitstreamRefusal, ManifestNotJson) {
  write_file(program_.manifest_path(), "{\"manifest_version\": 1,\n\"reci");
  expect({program_.manifest_path(), "can't be read", "barista build"});
}

TEST_F(BitstreamRefusal, ManifestOfAnotherVersion) {
  program_.manifest["manifest_version"] = 2;
  program_.write();
  expect({"version 2", "version 1", "barista build"});
}

TEST_F(BitstreamRefusal, ManifestWithoutAField) {
  for (const char* field : {"manifest_version", "recipe", "platform", "device", "driver", "binary_sha256", "kernels"}) {
    const auto whole = program_.manifest;
    program_.manifest.erase(field);
    program_.write();
    expect({field, "barista build"});
    program_.manifest = whole;
  }
}

TEST_F(BitstreamRefusal, ManifestWithANumberForAName) {
  program_.manifest["device"] = 7;
  program_.write();
  expect({"can't be read", "string"});
}

TEST_F(BitstreamRefusal, RecipeOutOfRange) {
  program_.manifest["recipe"]["pe_rows"] = 0;
  program_.write();
  expect({"pe_rows = 0", "at least 1"});
}

TEST_F(BitstreamRefusal, AnotherDevice) {
  program_.manifest["device"] = "pac_a10";
  program_.write();
  expect({"pac_a10", "not present", bitstream_under_test().device});
}

TEST_F(BitstreamRefusal, AnotherDriver) {
  program_.manifest["driver"] = "1.2.3";
  program_.write();
  expect({"1.2.3", bitstream_under_test().driver, "barista build test"});
}

TEST_F(BitstreamRefusal, ADeviceNumberThatIsNotThere) {
  index_ = 40;
  expect({"number 40", "BARISTA_DEVICE_INDEX"});
  index_ = -1;
  expect({"number -1"});
}

TEST_F(BitstreamRefusal, AKernelThatTheProgramLacks) {
  program_.manifest["kernels"].push_back({{"name", "transpose"}});
  program_.write();
  expect({"transpose", "barista build test"});
}

// The process's own device ---------------------------------------------------------------------------------------------------------

TEST(ProcessDevice, IsTheOneThatTheEnvironmentNames) {
  const Bitstream named = bitstream_under_test();
  DeviceManager& manager = DeviceManager::instance();
  EXPECT_EQ(manager.bitstream().path, named.path);
  EXPECT_EQ(manager.device_name(), named.device);
  EXPECT_EQ(manager.recipe().name, named.recipe.name);
  EXPECT_EQ(&manager, &DeviceManager::instance());
}

// Each in a process of its own: the device is opened once, and how a process ends is seen from outside.
class ProcessDeviceDeathTest : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

void open_and_tell() {
  try {
    DeviceManager::instance();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::_Exit(3);
  }
  std::_Exit(0);
}

TEST_F(ProcessDeviceDeathTest, SaysSoWhereNoneIsNamed) {
  EXPECT_EXIT(
      {
        unsetenv("BARISTA_BITSTREAM");
        open_and_tell();
      },
      ::testing::ExitedWithCode(3), "BARISTA_BITSTREAM is not set.*barista build");
}

TEST_F(ProcessDeviceDeathTest, SaysSoWhereTheIndexIsNoNumber) {
  EXPECT_EXIT(
      {
        setenv("BARISTA_DEVICE_INDEX", "first", 1);
        open_and_tell();
      },
      ::testing::ExitedWithCode(3), "BARISTA_DEVICE_INDEX is 'first'");
}

TEST_F(ProcessDeviceDeathTest, BuffersOfStaticObjectsMayOutliveIt) {
  EXPECT_EXIT(
      {
        // Made before the OpenCL runtime is loaded, so destroyed after it has gone, as are blobs of a net in a global variable.
        static Buffer outliving;
        outliving = DeviceManager::instance().allocate(4'000'000);
        DeviceManager::instance().zero(outliving);
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace barista::testing
