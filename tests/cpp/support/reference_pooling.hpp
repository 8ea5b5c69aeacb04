// Pooling as its formula reads: nothing here is quick, tiled or shared with the code under test.
#ifndef BARISTA_TESTS_SUPPORT_REFERENCE_POOLING_HPP_
#define BARISTA_TESTS_SUPPORT_REFERENCE_POOLING_HPP_

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

#include "ops/pooling.hpp"
#include "support/threefry.hpp"

namespace barista::testing {

// A value and how far from it a float computation may end up.
struct Bound {
  double value;
  double tolerance;
};

// The part of window (p, q) that lies in the image, and the number that a mean over it is divided by.
struct Window {
  int h_begin, h_end, w_begin, w_end;
  int divisor;

  Window(const ops::PoolingShape& s, int p, int q) {
    const int h = p * s.SH - s.PH, w = q * s.SW - s.PW;
    divisor = (std::min(h + s.KH, s.H + s.PH) - h) * (std::min(w + s.KW, s.W + s.PW) - w);
    h_begin = std::max(h, 0), h_end = std::min(h + s.KH, s.H);
    w_begin = std::max(w, 0), w_end = std::min(w + s.KW, s.W);
  }
  bool divides_exactly() const { return divisor > 0 && (divisor & (divisor - 1)) == 0; }
};

struct PooledReference {
  std::vector<Bound> dst;
  std::vector<float> winners;
};

inline PooledReference reference_forward(const ops::PoolingShape& s, ops::PoolingMethod method, const std::vector<float>& src) {
  PooledReference result;
  for (int plane = 0; plane < s.N * s.C; plane++)
    for (int p = 0; p < s.P; p++)
      for (int q = 0; q < s.Q; q++) {
        const Window window(s, p, q);
        float greatest = -FLT_MAX, winner = -1;
        double sum = 0;
        for (int h = window.h_begin; h < window.h_end; h++)
          for (int w = window.w_begin; w < window.w_end; w++) {
            const float value = src[(static_cast<std::size_t>(plane) * s.H + h) * s.W + w];
            sum += value;
            if (value > greatest) {
              greatest = value;
              winner = static_cast<float>(h * s.W + w);
            }
          }
        const bool maximum = method == ops::PoolingMethod::kMaximum;
        // The sum is exact on integers; one rounding of the divisor's reciprocal and one of the product remain.
        const double mean = sum / window.divisor;
        result.dst.push_back(maximum                    ? Bound{greatest, 0}
                             : window.divides_exactly() ? Bound{mean, 0}
                                                        : Bound{mean, std::abs(mean) * std::ldexp(2, -24)});
        result.winners.push_back(winner);
      }
  return result;
}

// What a stochastic pooling draws. In single precision, and in the order of the window, so that the device's sums are these to the bit.
struct DrawnReference {
  std::vector<float> dst, winners;
};

inline DrawnReference reference_stochastic(const ops::PoolingShape& s, std::uint32_t key, const std::vector<float>& src) {
  DrawnReference result;
  for (int plane = 0; plane < s.N * s.C; plane++)
    for (int p = 0; p < s.P; p++)
      for (int q = 0; q < s.Q; q++) {
        const Window window(s, p, q);
        const auto at = [&](int h, int w) { return src[(static_cast<std::size_t>(plane) * s.H + h) * s.W + w]; };
        float sum = 0;
        for (int h = window.h_begin; h < window.h_end; h++)
          for (int w = window.w_begin; w < window.w_end; w++) sum += at(h, w);
        const std::uint32_t random = word(key, static_cast<std::uint32_t>(result.dst.size()));
        const float limit = static_cast<float>((random >> 8) + 1) / (1 << 24) * sum;
        float drawn = 0 * sum, winner = -1, running = 0;
        for (int h = window.h_begin; h < window.h_end && winner < 0; h++)
          for (int w = window.w_begin; w < window.w_end && winner < 0; w++) {
            running += at(h, w);
            if (running >= limit) drawn = at(h, w), winner = static_cast<float>(h * s.W + w);
          }
        result.dst.push_back(drawn);
        result.winners.push_back(winner);
      }
  return result;
}

// What it gives on average, of values whose sums and squares' sums are exact.
inline std::vector<float> reference_expected(const ops::PoolingShape& s, const std::vector<float>& src) {
  std::vector<float> dst;
  for (int plane = 0; plane < s.N * s.C; plane++)
    for (int p = 0; p < s.P; p++)
      for (int q = 0; q < s.Q; q++) {
        const Window window(s, p, q);
        float sum = 0, squares = 0;
        for (int h = window.h_begin; h < window.h_end; h++)
          for (int w = window.w_begin; w < window.w_end; w++) {
            const float value = src[(static_cast<std::size_t>(plane) * s.H + h) * s.W + w];
            sum += value, squares += value * value;
          }
        dst.push_back(sum > 0 ? squares / sum : 0);
      }
  return dst;
}

inline std::vector<Bound> reference_backward(const ops::PoolingShape& s, ops::PoolingMethod method,
                                             const std::vector<float>& diff_dst, const std::vector<float>& winners) {
  std::vector<Bound> diff_src(static_cast<std::size_t>(s.N) * s.C * s.H * s.W, Bound{0, 0});
  std::vector<double> magnitude(diff_src.size(), 0);
  std::vector<int> terms(diff_src.size(), 0);
  std::size_t out = 0;
  for (int plane = 0; plane < s.N * s.C; plane++)
    for (int p = 0; p < s.P; p++)
      for (int q = 0; q < s.Q; q++, out++) {
        const std::size_t image = static_cast<std::size_t>(plane) * s.H * s.W;
        if (method != ops::PoolingMethod::kAverage) {
          if (winners[out] >= 0) diff_src[image + static_cast<std::size_t>(winners[out])].value += diff_dst[out];
          continue;
        }
        const Window window(s, p, q);
        for (int h = window.h_begin; h < window.h_end; h++)
          for (int w = window.w_begin; w < window.w_end; w++) {
            const std::size_t in = image + h * s.W + w;
            const double term = static_cast<double>(diff_dst[out]) / window.divisor;
            diff_src[in].value += term;
            magnitude[in] += std::abs(term);
            terms[in]++;
            // A term has two roundings, and each addition one; all are of at most the sum of magnitudes.
            if (!window.divides_exactly()) diff_src[in].tolerance = 1;
          }
      }
  for (std::size_t in = 0; in < diff_src.size(); in++)
    diff_src[in].tolerance *= magnitude[in] * (terms[in] + 2) * std::ldexp(1, -24);
  return diff_src;
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_REFERENCE_POOLING_HPP_
