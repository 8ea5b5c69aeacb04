// Axes of classes for the tests of softmax, its loss and accuracy: lanes and words around a vector's, one position and several an image.
#ifndef BARISTA_TESTS_SUPPORT_CLASS_AXES_HPP_
#define BARISTA_TESTS_SUPPORT_CLASS_AXES_HPP_

#include <cstdlib>
#include <string>
#include <vector>

#include "ops/class_axis.hpp"
#include "support/integers.hpp"

namespace barista::testing {

// A few of them, where tests are given a short list of shapes: for a device that checks every instruction.
inline std::vector<ops::ClassAxis> class_axes() {
  std::vector<ops::ClassAxis> axes = {{1, 1, 1}, {17, 3, 1}, {5, 17, 1}, {2, 3, 17}, {3, 2, 5}};
  if (std::getenv("BARISTA_TEST_SHAPES") != nullptr) return axes;
  // More classes than an on-chip memory of the emulator's recipe has words (1,024) are loaded anew for each sweep.
  for (const ops::ClassAxis& more : {ops::ClassAxis{64, 10, 1},
                                     {33, 16, 1},
                                     {16, 1000, 1},
                                     {3, 1025, 1},
                                     {2, 2049, 1},
                                     {2, 21, 100},
                                     {1, 5, 16},
                                     {4, 2, 33},
                                     {2, 1030, 3},
                                     {1, 33, 1}})
    axes.push_back(more);
  return axes;
}

inline std::string describe(const ops::ClassAxis& axis) {
  return std::to_string(axis.outer) + "x" + std::to_string(axis.classes) + "x" + std::to_string(axis.inner);
}

inline std::size_t values(const ops::ClassAxis& axis) { return static_cast<std::size_t>(axis.positions()) * axis.classes; }

// Where the value of class `c` at position `p` lies.
inline std::size_t value_at(const ops::ClassAxis& axis, int p, int c) {
  return (static_cast<std::size_t>(p / axis.inner) * axis.classes + c) * axis.inner + p % axis.inner;
}

inline std::vector<float> class_labels(const ops::ClassAxis& axis, std::uint32_t seed) {
  return integers(axis.positions(), seed, 0, axis.classes - 1);
}

// Numbers with fractions, from -4 to 4.
inline std::vector<float> fractions(std::size_t count, std::uint32_t seed) {
  std::vector<float> all = integers(count, seed, -4096, 4096);
  for (float& value : all) value /= 1024;
  return all;
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_CLASS_AXES_HPP_
