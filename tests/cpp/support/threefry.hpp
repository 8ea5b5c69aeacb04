// The random numbers of dropout and of stochastic pooling, a word and a round at a time; test_dropout.cpp holds them against the
// published answers.
#ifndef BARISTA_TESTS_SUPPORT_THREEFRY_HPP_
#define BARISTA_TESTS_SUPPORT_THREEFRY_HPP_

#include <array>
#include <cstdint>

namespace barista::testing {

using Words = std::array<std::uint32_t, 4>;

// Threefry-4x32 with 20 rounds as the paper has it, a word and a round at a time.
inline Words threefry(const Words& counter, const Words& key) {
  constexpr int kTurns[8][2] = {{10, 26}, {11, 21}, {13, 27}, {23, 5}, {6, 20}, {17, 11}, {25, 10}, {18, 20}};
  const std::array<std::uint32_t, 5> keys = {key[0], key[1], key[2], key[3], 0x1bd11bda ^ key[0] ^ key[1] ^ key[2] ^ key[3]};
  const auto turned = [](std::uint32_t x, int by) { return (x << by) | (x >> (32 - by)); };
  Words x = counter;
  for (int i = 0; i < 4; i++) x[i] += keys[i];
  for (int round = 0; round < 20; round++) {
    const int left = round % 2 == 0 ? 1 : 3, right = 4 - left;
    x[0] += x[left];
    x[left] = turned(x[left], kTurns[round % 8][0]) ^ x[0];
    x[2] += x[right];
    x[right] = turned(x[right], kTurns[round % 8][1]) ^ x[2];
    if (round % 4 != 3) continue;
    const std::uint32_t n = round / 4 + 1;
    for (int i = 0; i < 4; i++) x[i] += keys[(n + i) % 5];
    x[3] += n;
  }
  return x;
}

// The random word of element i under `key` (ops/dropout.hpp).
inline std::uint32_t word(std::uint32_t key, std::uint32_t i) { return threefry({i / 4, 0, 0, 0}, {key, 0, 0, 0})[i % 4]; }

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_THREEFRY_HPP_
