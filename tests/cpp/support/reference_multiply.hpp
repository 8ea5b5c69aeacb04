// Convolution and inner product as their formulas read, in double: nothing here is quick, tiled or shared with the code under test.
#ifndef BARISTA_TESTS_SUPPORT_REFERENCE_MULTIPLY_HPP_
#define BARISTA_TESTS_SUPPORT_REFERENCE_MULTIPLY_HPP_

#include <cstddef>
#include <vector>

#include "plan/shapes.hpp"

namespace barista::testing {

// Calls term(src, weights, dst) with the three indices of every product that a convolution sums.
template <typename Term>
void for_each_product(const plan::ConvolutionShape& s, const Term& term) {
  const int inputs = s.C / s.G, outputs = s.O / s.G;
  for (int n = 0; n < s.N; n++)
    for (int o = 0; o < s.O; o++)
      for (int p = 0; p < s.P(); p++)
        for (int q = 0; q < s.Q(); q++)
          for (int c = 0; c < inputs; c++)
            for (int r = 0; r < s.KH; r++)
              for (int t = 0; t < s.KW; t++) {
                const int h = p * s.SH - s.PH + r * s.DH, w = q * s.SW - s.PW + t * s.DW;
                if (h < 0 || h >= s.H || w < 0 || w >= s.W) continue;
                const std::size_t channel = static_cast<std::size_t>(n) * s.C + o / outputs * inputs + c;
                const std::size_t weight = static_cast<std::size_t>(o) * inputs + c;
                const std::size_t output = static_cast<std::size_t>(n) * s.O + o;
                term((channel * s.H + h) * s.W + w, (weight * s.KH + r) * s.KW + t, (output * s.P() + p) * s.Q() + q);
              }
}

template <typename Term>
void for_each_product(const plan::InnerProductShape& s, const Term& term) {
  for (int n = 0; n < s.N; n++)
    for (int o = 0; o < s.O; o++)
      for (int k = 0; k < s.K; k++) {
        const std::size_t weight = s.transpose ? static_cast<std::size_t>(k) * s.O + o : static_cast<std::size_t>(o) * s.K + k;
        term(static_cast<std::size_t>(n) * s.K + k, weight, static_cast<std::size_t>(n) * s.O + o);
      }
}

struct Sizes {
  std::size_t src, weights, dst;
  int images, outputs, plane;  // of dst
};

inline Sizes sizes(const plan::ConvolutionShape& s) {
  return {static_cast<std::size_t>(s.N) * s.C * s.H * s.W,
          static_cast<std::size_t>(s.O) * (s.C / s.G) * s.KH * s.KW,
          static_cast<std::size_t>(s.N) * s.O * s.P() * s.Q(),
          s.N,
          s.O,
          s.P() * s.Q()};
}

inline Sizes sizes(const plan::InnerProductShape& s) {
  return {
      static_cast<std::size_t>(s.N) * s.K, static_cast<std::size_t>(s.O) * s.K, static_cast<std::size_t>(s.N) * s.O, s.N, s.O, 1};
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_REFERENCE_MULTIPLY_HPP_
