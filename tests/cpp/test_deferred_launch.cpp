// Deferred launches: they run before whoever needs them, and with the post-ops that were fused into them until then.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/own_kernels.hpp"

namespace barista::testing {
namespace {

using device::DeferredLaunch;
using device::Error;
using device::PostOps;

class DeferredLaunchTest : public OwnKernelsTest {
 protected:
  // dst = src, and the post-op that stands for all: plus its offset, value by value.
  static DeferredLaunch deferred_copy(const Buffer& src, Buffer& dst, int unit = 0) {
    return {Argument::out(dst), 1, kCount, {}, [src = Argument::in(src), unit](const PostOps& post_ops, const Argument& to) {
              const Argument count = Argument::value(kCount), turns = Argument::value(0);
              std::vector<Launch> group;
              if (post_ops.offset) {
                group.push_back({"add", unit, {src, *post_ops.offset, to, count, turns}});
              } else {
                group.push_back({"copy", unit, {src, to, count, turns}});
              }
              return group;
            }};
  }

  bool is_deferred(const Buffer& written) {
    bool asked = false;
    program().fuse(written, [&](const DeferredLaunch& /*launch*/) {
      asked = true;
      return std::nullopt;
    });
    return asked;
  }
};

TEST_F(DeferredLaunchTest, RunsBeforeWhoeverNeedsIt) {
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
         device().zero(src);
         device().finish();
         return dst.download();
       }},
      {"another launch",
       [&](CanariedBuffer& /*src*/, CanariedBuffer& dst) {
         CanariedBuffer copied(device(), kCount);
         program().launch({copy(1, dst, copied, kCount)});
         return copied.download();
       }},
      {"another deferred launch", [&](CanariedBuffer& /*src*/, CanariedBuffer& dst) {
         CanariedBuffer copied(device(), kCount);
         program().launch_deferred(deferred_copy(dst, copied, 1));
         return copied.download();
       }}};
  for (const auto& [what, need] : needs) {
    CanariedBuffer src(device(), first), dst(device(), kCount);
    const std::uint64_t version = dst.buffer().version(), launches = device().counters().launches;
    program().launch_deferred(deferred_copy(src, dst));
    EXPECT_NE(dst.buffer().version(), version) << what << ": its contents are others from here on";
    EXPECT_EQ(device().counters().launches, launches + 1) << what;
    EXPECT_TRUE(is_deferred(dst)) << what;
    EXPECT_EQ(need(src, dst), first) << what;
    EXPECT_FALSE(is_deferred(dst)) << what;
  }
}

TEST_F(DeferredLaunchTest, ZerosAfterItAreNotItsResult) {
  CanariedBuffer src(device(), integers(kCount, 43));
  Buffer dst = device().allocate(kCount * sizeof(float));
  program().launch_deferred(deferred_copy(src, dst));
  device().zero(dst);
  Floats found(kCount, -1);
  device().download(dst, found.data(), dst.bytes());
  EXPECT_EQ(found, Floats(kCount, 0));
}

TEST_F(DeferredLaunchTest, WhatItHasNothingToDoWithLeavesItDeferred) {
  CanariedBuffer src(device(), integers(kCount, 44)), dst(device(), kCount), other(device(), kCount);
  const auto fuse = [](const DeferredLaunch& launch) { return std::optional(launch.post_ops); };
  program().launch_deferred(deferred_copy(src, dst));
  other.upload(integers(kCount, 45));
  other.download();
  EXPECT_FALSE(program().fuse(other, fuse)) << "it does not write that buffer";
  EXPECT_FALSE(program().fuse(src, fuse)) << "it only reads that buffer";
  EXPECT_FALSE(program().fuse(dst, [](const DeferredLaunch& /*launch*/) { return std::nullopt; })) << "whoever was asked declined";
  EXPECT_TRUE(is_deferred(dst));
  EXPECT_EQ(dst.download(), integers(kCount, 44));
}

// What was launched meanwhile runs first, and the deferred launch runs once, with its post-op.
TEST_F(DeferredLaunchTest, RunsWithThePostOpsThatWereFused) {
  CanariedBuffer src(device(), Floats(kCount, 1)), other(device(), Floats(kCount, 10)), dst(device(), kCount);
  program().launch_deferred(deferred_copy(src, dst));
  const std::uint64_t fused = device().counters().fused;
  EXPECT_TRUE(program().fuse(dst, [&](const DeferredLaunch& launch) {
    EXPECT_FALSE(launch.post_ops.offset);
    EXPECT_EQ(launch.channels, kCount);
    program().launch({increment(1, other, 0, kCount, slow())});
    PostOps post_ops;
    post_ops.offset = Argument::in(other);
    return std::optional(post_ops);
  }));
  EXPECT_EQ(device().counters().fused, fused + 1);
  EXPECT_EQ(dst.download(), Floats(kCount, 12));
  EXPECT_FALSE(is_deferred(dst)) << "it ran already";
}

TEST_F(DeferredLaunchTest, FusingThatFailsLeavesItAsItWas) {
  CanariedBuffer src(device(), Floats(kCount, 1)), dst(device(), kCount);
  program().launch_deferred(deferred_copy(src, dst));
  EXPECT_THROW(program().fuse(dst, [](const DeferredLaunch& /*launch*/) -> std::optional<PostOps> { throw Error("no"); }), Error);
  EXPECT_EQ(dst.download(), Floats(kCount, 1));
}

// It keeps the place in which it was asked for, whatever comes before it is enqueued.
TEST_F(DeferredLaunchTest, IsRecordedWhereItWasMade) {
  CanariedBuffer src(device(), Floats(kCount, 1)), dst(device(), kCount), other(device(), kCount);
  device().begin_recording();
  program().launch_deferred(deferred_copy(src, dst));
  EXPECT_EQ(device().recorded(), 1U);
  other.upload(Floats(kCount, 2));
  dst.download();
  const std::vector<device::Command> commands = device().end_recording();
  std::vector<std::string> names;
  for (const device::Command& command : commands) {
    names.push_back(command.name);
    EXPECT_GT(command.ended, 0);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"copy", "upload", "download"}));
  EXPECT_GE(commands[0].enqueued, commands[1].enqueued);
}

TEST_F(DeferredLaunchTest, OneThatCannotRunIsRefusedAtOnce) {
  CanariedBuffer src(device(), Floats(kCount, 1)), dst(device(), kCount);
  EXPECT_THROW(program().launch_deferred(deferred_copy(src, dst, 7)), Error);
}

TEST_F(DeferredLaunchTest, RunsThoughItsProgramIsGone) {
  CanariedBuffer src(device(), Floats(kCount, 3)), dst(device(), kCount);
  {
    const TestProgram made(kOwnKernels, kOwnKernelNames);
    device::Program passing(device(), device::Bitstream::open(made.path()));
    passing.launch_deferred(deferred_copy(src, dst));
    EXPECT_FALSE(is_deferred(dst)) << "another program's launch";
  }
  EXPECT_EQ(dst.download(), Floats(kCount, 3));
}

}  // namespace
}  // namespace barista::testing
