// The pooling problems of tests/shapes.json.
#ifndef BARISTA_TESTS_SUPPORT_POOLING_PROBLEMS_HPP_
#define BARISTA_TESTS_SUPPORT_POOLING_PROBLEMS_HPP_

#include <algorithm>
#include <stdexcept>
#include <string>

#include "plan/pooling.hpp"
#include "support/shapes.hpp"

namespace barista::testing {

struct PoolingProblem {
  plan::PoolingShape shape;
  plan::PoolingMethod method;
  bool round_up;
};

// Outputs of a pooling along one axis, by stock Caffe's rule (pooling_layer.cpp): round, then, with padding on any axis, drop the
// last window where it would begin outside the image.
inline int pooled_size(int size, int kernel, int stride, int pad, bool round_up, bool any_padding) {
  const int room = size + 2 * pad - kernel;
  const int rounded = round_up && room > 0 ? (room + stride - 1) / stride : room / stride;
  const int outputs = rounded + 1;
  return any_padding && (outputs - 1) * stride >= size + pad ? outputs - 1 : outputs;
}

inline PoolingProblem parse_pooling(const std::string& text) {
  const bool maximum = text.rfind("max", 0) == 0;
  if (!maximum && text.rfind("ave", 0) != 0)
    throw std::runtime_error("pooling problem '" + text + "': it must begin with max or ave");
  const auto f = parse_fields(text.substr(3));
  plan::PoolingShape s = {};
  s.N = f.at("n"), s.C = f.at("c"), s.H = f.at("h"), s.W = f.at("w");
  s.KH = f.at("kh"), s.KW = f.at("kw"), s.SH = f.at("sh"), s.SW = f.at("sw"), s.PH = f.at("ph"), s.PW = f.at("pw");
  const bool round_up = f.at("r") != 0, any_padding = s.PH > 0 || s.PW > 0;
  s.P = pooled_size(s.H, s.KH, s.SH, s.PH, round_up, any_padding);
  s.Q = pooled_size(s.W, s.KW, s.SW, s.PW, round_up, any_padding);
  return {s, maximum ? plan::PoolingMethod::kMaximum : plan::PoolingMethod::kAverage, round_up};
}

// The same pooling without padding, which a stochastic one takes none of. Its outputs may be none, where the window is larger.
inline plan::PoolingShape unpadded(const PoolingProblem& problem) {
  plan::PoolingShape s = problem.shape;
  s.PH = s.PW = 0;
  s.P = pooled_size(s.H, s.KH, s.SH, 0, problem.round_up, false);
  s.Q = pooled_size(s.W, s.KW, s.SW, 0, problem.round_up, false);
  return s;
}

inline double steps(const PoolingProblem& problem) {
  const plan::PoolingShape& s = problem.shape;
  return static_cast<double>(s.N) * s.C * (static_cast<double>(s.P) * s.Q * s.KH * s.KW + static_cast<double>(s.H) * s.W);
}
inline auto pooling_problems() { return load_problems("pooling", parse_pooling); }

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_POOLING_PROBLEMS_HPP_
