// Arithmetic that OpenCL leaves less exact than stock Caffe's results are, and sums over the lanes of a vector.
#ifndef BARISTA_ARITHMETIC_H_
#define BARISTA_ARITHMETIC_H_

#include "common.h"

// OpenCL lets a division be 2.5 units in the last place off. One step of Newton's makes 1 / x the nearest float.
inline float nearest_reciprocal(float x) {
  const float estimate = 1.0f / x;
  const float refined = fma(fma(-x, estimate, 1.0f), estimate, estimate);
  return isfinite(refined) ? refined : estimate;
}

// The float nearest to x / y (Markstein), so that a count over a count is what stock Caffe has, to the bit.
inline float nearest_quotient(float x, float y) {
  const float reciprocal = nearest_reciprocal(y), estimate = x * reciprocal;
  const float refined = fma(fma(-y, estimate, x), reciprocal, estimate);
  return isfinite(refined) ? refined : estimate;
}

// The sum of 16 lanes as a tree: always the same order, so always the same bits.
inline accumulate sum_of_lanes(accumulate16 v) {
  const accumulate a = (v.s0 + v.s1) + (v.s2 + v.s3), b = (v.s4 + v.s5) + (v.s6 + v.s7);
  const accumulate c = (v.s8 + v.s9) + (v.sa + v.sb), d = (v.sc + v.sd) + (v.se + v.sf);
  return (a + b) + (c + d);
}

inline int count_of_lanes(int16 v) {
  const int a = (v.s0 + v.s1) + (v.s2 + v.s3), b = (v.s4 + v.s5) + (v.s6 + v.s7);
  const int c = (v.s8 + v.s9) + (v.sa + v.sb), d = (v.sc + v.sd) + (v.se + v.sf);
  return (a + b) + (c + d);
}

#endif  // BARISTA_ARITHMETIC_H_
