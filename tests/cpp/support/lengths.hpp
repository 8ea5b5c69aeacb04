// Lengths of elementwise problems: all around one vector, and a few of many vectors.
#ifndef BARISTA_TESTS_SUPPORT_LENGTHS_HPP_
#define BARISTA_TESTS_SUPPORT_LENGTHS_HPP_

#include <cstdlib>
#include <vector>

namespace barista::testing {

// A few of them, where tests are given a short list of shapes: for a device that checks every instruction.
inline std::vector<int> lengths() {
  if (std::getenv("BARISTA_TEST_SHAPES") != nullptr) return {1, 16, 33};
  std::vector<int> all = {100, 255, 256, 257, 1000, 12345};
  for (int length = 1; length <= 66; length++) all.push_back(length);
  return all;
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_LENGTHS_HPP_
