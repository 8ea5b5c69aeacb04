// Softmax along an axis of classes by its formula, in double precision.
#ifndef BARISTA_TESTS_SUPPORT_REFERENCE_SOFTMAX_HPP_
#define BARISTA_TESTS_SUPPORT_REFERENCE_SOFTMAX_HPP_

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/class_axes.hpp"

namespace barista::testing {

inline std::vector<double> reference_softmax(const ops::ClassAxis& axis, const std::vector<float>& src) {
  std::vector<double> dst(src.size());
  for (int p = 0; p < axis.positions(); p++) {
    double greatest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int c = 0; c < axis.classes; c++) greatest = std::max<double>(greatest, src[value_at(axis, p, c)]);
    for (int c = 0; c < axis.classes; c++) sum += dst[value_at(axis, p, c)] = std::exp(src[value_at(axis, p, c)] - greatest);
    for (int c = 0; c < axis.classes; c++) dst[value_at(axis, p, c)] /= sum;
  }
  return dst;
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_REFERENCE_SOFTMAX_HPP_
