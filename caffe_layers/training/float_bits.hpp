// Floats by their bits: JSON has no NaN, and a run that diverged must resume as it was.
#ifndef BARISTA_TRAINING_FLOAT_BITS_HPP_
#define BARISTA_TRAINING_FLOAT_BITS_HPP_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "nlohmann/json.hpp"

namespace barista::training {

inline std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float value_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline nlohmann::json bits_of(const float* values, std::size_t count) {
  nlohmann::json bits = nlohmann::json::array();
  for (std::size_t i = 0; i < count; ++i) {
    bits.push_back(bits_of(values[i]));
  }
  return bits;
}

}  // namespace barista::training

#endif  // BARISTA_TRAINING_FLOAT_BITS_HPP_
