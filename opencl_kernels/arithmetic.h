// Arithmetic that OpenCL leaves less exact than stock Caffe's results are.
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

#endif  // BARISTA_ARITHMETIC_H_
