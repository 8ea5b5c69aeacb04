// The order of commands, without events in the caller's hands: each sees what those before it left, and none waits for more.
#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "support/own_kernels.hpp"

namespace barista::testing {
namespace {

class OrderTest : public OwnKernelsTest {};

TEST_F(OrderTest, AReaderOnAnotherUnitWaitsForTheWriter) {
  const auto values = integers(kCount, 2);
  CanariedBuffer src(device(), values), middle(device(), kCount), dst(device(), kCount);
  program().launch({copy(0, src, middle, kCount, slow())});
  program().launch({copy(1, middle, dst, kCount)});
  EXPECT_EQ(dst.download(), values);
}

TEST_F(OrderTest, AWriterOnAnotherUnitWaitsForTheReader) {
  const auto before = integers(kCount, 3), after = integers(kCount, 4);
  CanariedBuffer src(device(), before), other(device(), after), dst(device(), kCount);
  program().launch({copy(0, src, dst, kCount, slow())});
  program().launch({copy(1, other, src, kCount)});
  EXPECT_EQ(dst.download(), before);
  EXPECT_EQ(src.download(), after);
}

TEST_F(OrderTest, TheLaterOfTwoWritersWins) {
  const auto first = integers(kCount, 5), second = integers(kCount, 6);
  CanariedBuffer a(device(), first), b(device(), second), dst(device(), kCount);
  program().launch({copy(0, a, dst, kCount, slow())});
  program().launch({copy(1, b, dst, kCount)});
  EXPECT_EQ(dst.download(), second);
}

TEST_F(OrderTest, AGroupsWritersOfOneBufferAreAllWaitedFor) {
  CanariedBuffer dst(device(), std::vector<float>(kCount, 0)), copied(device(), kCount);
  program().launch({increment(0, dst, 0, kCount / 2, slow()), increment(1, dst, kCount / 2, kCount / 2, slow() / 2)});
  program().launch({copy(1, dst, copied, kCount)});
  EXPECT_EQ(copied.download(), std::vector<float>(kCount, 1));
}

TEST_F(OrderTest, ZeroWaitsForReadersAndWriters) {
  const auto values = integers(kCount, 12);
  CanariedBuffer src(device(), values), dst(device(), kCount);
  Buffer plain = device().allocate(kCount * sizeof(float));
  device().upload(plain, values.data(), kCount * sizeof(float));
  program().launch({copy(0, plain, dst, kCount, slow())});
  device().zero(plain);
  EXPECT_EQ(dst.download(), values);
  program().launch({copy(1, src, plain, kCount, slow())});
  device().zero(plain);
  std::vector<float> found(kCount, -1);
  device().download(plain, found.data(), kCount * sizeof(float));
  EXPECT_EQ(found, std::vector<float>(kCount, 0));
}

TEST_F(OrderTest, ABufferMayGoWhileAKernelUsesIt) {
  const auto values = integers(kCount, 13);
  CanariedBuffer dst(device(), kCount);
  {
    CanariedBuffer src(device(), values);
    program().launch({copy(0, src, dst, kCount, slow())});
  }
  CanariedBuffer in_its_place(device(), integers(kCount, 14));
  EXPECT_EQ(dst.download(), values);
}

// Any order of commands leaves what the same commands, one by one, leave on the host.
TEST_F(OrderTest, RandomCommandsEqualTheSameOnTheHost) {
  constexpr int kBuffers = 5, kSmall = 33, kSteps = 3000;
  std::mt19937 generator(15);
  const auto draw = [&](int n) { return static_cast<int>(generator() % static_cast<unsigned>(n)); };
  std::vector<std::vector<float>> host;
  std::vector<CanariedBuffer> on_device;
  for (int i = 0; i < kBuffers; ++i) {
    host.push_back(integers(kSmall, 100 + static_cast<unsigned>(i)));
    on_device.emplace_back(device(), host.back());
  }
  for (int step = 0; step < kSteps; ++step) {
    const auto a = static_cast<std::size_t>(draw(kBuffers)), b = static_cast<std::size_t>(draw(kBuffers));
    const auto dst = static_cast<std::size_t>(draw(kBuffers));
    const int unit = draw(2), turns = draw(4) == 0 ? draw(20'000) : 0;
    switch (draw(6)) {
      case 0:
        if (a == dst) break;
        program().launch({copy(unit, on_device[a], on_device[dst], kSmall, turns)});
        host[dst] = host[a];
        break;
      case 1:
        if (a == dst || b == dst) break;
        program().launch({add(unit, on_device[a], on_device[b], on_device[dst], kSmall, turns)});
        for (std::size_t i = 0; i < kSmall; ++i) host[dst][i] = host[a][i] + host[b][i];
        break;
      case 2:
        program().launch({increment(unit, on_device[dst], 0, 20, turns), increment(1 - unit, on_device[dst], 20, 13, turns)});
        for (float& value : host[dst]) value += 1;
        break;
      case 3:
        host[dst] = integers(kSmall, 200 + static_cast<unsigned>(step));
        on_device[dst].upload(host[dst]);
        break;
      case 4:
        ASSERT_EQ(on_device[dst].download(), host[dst]) << "at step " << step;
        break;
      default:
        if (a == dst || a == b || b == dst) break;
        program().launch({copy(0, on_device[a], on_device[dst], kSmall, turns), increment(1, on_device[b], 0, kSmall)});
        host[dst] = host[a];
        for (float& value : host[b]) value += 1;
        break;
    }
  }
  for (std::size_t i = 0; i < kBuffers; ++i) EXPECT_EQ(on_device[i].download(), host[i]) << "buffer " << i;
}

TEST_F(OrderTest, ThreadsMayShareIt) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (unsigned round = 0; round < 50; ++round) {
        const auto values = integers(kCount, round * 4 + static_cast<unsigned>(t));
        CanariedBuffer src(device(), values), dst(device(), kCount);
        program().launch({copy(t % 2, src, dst, kCount)});
        ASSERT_EQ(dst.download(), values);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace barista::testing
