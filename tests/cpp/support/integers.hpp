// Small integers as test data: sums and products of them are exact in float, whatever their order, so results compare exactly and no
// tolerance can hide a wrong index.
#ifndef BARISTA_TESTS_SUPPORT_INTEGERS_HPP_
#define BARISTA_TESTS_SUPPORT_INTEGERS_HPP_

#include <cstdint>
#include <random>
#include <vector>

namespace barista::testing {

// `count` whole numbers from `low` to `high`, the same on every machine for the same seed.
inline std::vector<float> integers(std::size_t count, std::uint32_t seed, int low = -3, int high = 3) {
  std::mt19937 generator(seed);
  const auto span = static_cast<std::uint32_t>(high - low + 1);
  std::vector<float> values(count);
  // Not uniform_int_distribution: what it draws is up to each standard library.
  for (float& value : values) value = static_cast<float>(low + static_cast<int>(generator() % span));
  return values;
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_INTEGERS_HPP_
