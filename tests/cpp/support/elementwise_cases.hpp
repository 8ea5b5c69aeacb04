// The elementwise functions that tests run: each against its formula (test_elementwise.cpp), and each of their layers against stock Caffe's
// (test_layers_elementwise.cpp).
#ifndef BARISTA_TESTS_SUPPORT_ELEMENTWISE_CASES_HPP_
#define BARISTA_TESTS_SUPPORT_ELEMENTWISE_CASES_HPP_

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ops/elementwise.hpp"
#include "support/integers.hpp"

namespace barista::testing {

// A function, and its value and derivative as formulas.
struct FunctionCase {
  std::string name;
  ops::Elementwise function;
  std::function<double(double)> value, slope;
  std::vector<float> data;  // where it is defined
  // Largest error, as a part of the result and by itself. 0 where every step is exact on whole numbers. Otherwise: OpenCL lets exp and
  // log be 3 units in the last place (of 6e-8 each) off and a division 2.5, and what feeds or follows them rounds too.
  double relative, absolute;
};

inline std::vector<float> whole() { return integers(1000, 1); }

// -range .. range in even steps, and small numbers of both signs.
inline std::vector<float> real(float range) {
  std::vector<float> values = {0, 1e-3F, -1e-3F, 1e-6F, -1e-6F, 0.5F, -0.5F, 0.49999997F, 1, -1};
  for (int i = -300; i <= 300; i++) values.push_back(range * static_cast<float>(i) / 300);
  return values;
}

inline std::vector<float> positive(float range) {
  std::vector<float> values;
  for (float x : real(range)) values.push_back(std::abs(x) + 1e-3F);
  return values;
}

inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }
// The derivative that Caffe takes where there is none.
inline double step(double x, double otherwise) { return x > 0 ? 1 : otherwise; }

inline FunctionCase power_case(const std::string& name, float power, float scale, float shift, std::vector<float> data,
                               double relative) {
  return {name,
          ops::power(power, scale, shift),
          [=](double x) { return std::pow(shift + scale * x, power); },
          [=](double x) { return power * scale == 0 ? 0 : power * scale * std::pow(shift + scale * x, power - 1); },
          std::move(data),
          relative,
          0};
}

inline std::vector<FunctionCase> function_cases() {
  return {
      {"relu", ops::relu(0), [](double x) { return x > 0 ? x : 0; }, [](double x) { return step(x, 0); }, whole(), 0, 0},
      {"leaky relu", ops::relu(0.5F), [](double x) { return x > 0 ? x : x / 2; }, [](double x) { return step(x, 0.5); }, whole(), 0,
       0},
      {"absval", ops::absval(), [](double x) { return std::abs(x); }, [](double x) { return x == 0 ? 0 : std::copysign(1, x); },
       whole(), 0, 0},
      {"threshold", ops::threshold(1), [](double x) { return x > 1; }, [](double) { return 0; }, whole(), 0, 0},
      // 1 - sigmoid is lost where it is next to 1, and so is 1 - tanh^2.
      {"sigmoid", ops::sigmoid(), logistic, [](double x) { return logistic(x) * logistic(-x); }, real(30), 1e-6, 1e-7},
      {"tanh", ops::tanh(), [](double x) { return std::tanh(x); }, [](double x) { return 1 / std::pow(std::cosh(x), 2); }, real(30),
       1e-6, 3e-7},
      {"clip", ops::clip(-1, 2), [](double x) { return std::clamp(x, -1.0, 2.0); }, [](double x) { return x >= -1 && x <= 2; },
       whole(), 0, 0},
      // The gradient is a difference of numbers of the size of beta * src.
      {"swish", ops::swish(1), [](double x) { return x * logistic(x); },
       [](double x) { return logistic(x) + x * logistic(x) * logistic(-x); }, real(10), 1e-6, 3e-6},
      {"swish of half", ops::swish(0.5F), [](double x) { return x * logistic(x / 2); },
       [](double x) { return logistic(x / 2) + x / 2 * logistic(x / 2) * logistic(-x / 2); }, real(20), 1e-6, 3e-6},
      // exp(x) - 1 next to 0 keeps what is left of exp(x), as in stock Caffe.
      {"elu", ops::elu(0.5F), [](double x) { return x > 0 ? x : 0.5 * std::expm1(x); },
       [](double x) { return x > 0 ? 1 : 0.5 * std::exp(x); }, real(30), 1e-6, 2e-7},
      {"bnll", ops::bnll(), [](double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }, logistic,
       real(30), 1e-6, 0},
      {"exp", ops::exp(0.5F, 3), [](double x) { return 3 * std::exp(x / 2); }, [](double x) { return 1.5 * std::exp(x / 2); },
       real(30), 1e-6, 0},
      // Next to 1 a logarithm is as far off as its argument is rounded.
      {"log", ops::log(2, 0.5F, 1), [](double x) { return 2 * std::log(1 + x / 2); }, [](double x) { return 1 / (1 + x / 2); },
       positive(30), 1e-6, 1e-6},
      power_case("power 1", 1, 2, 3, whole(), 0),
      power_case("power 2", 2, 2, 3, whole(), 0),
      power_case("power 0", 0, 2, 3, whole(), 0),
      power_case("scale 0", 2, 0, 3, whole(), 0),
      // exp(p * log(u)) multiplies the rounding of its argument, |p * log(u)| <= 20 here.
      power_case("power 3", 3, 0.5F, 16, real(30), 4e-6),
      power_case("power 3 of both signs", 3, 0.5F, 0.3F, real(31), 4e-6),
      power_case("power -2 of both signs", -2, 0.5F, 0.3F, real(31), 4e-6),
      power_case("power 0.37", 0.37F, 83, 2.4F, positive(30), 4e-6),
      power_case("power -0.75", -0.75F, 1, 1, positive(30), 4e-6),
  };
}

// A stock layer, its parameters as a prototxt has them, and how close the device comes to it on whole numbers from -3 to 3: to the last bit,
// but for what an exponential, a logarithm or a division went through.
struct LayerCase {
  std::string type, parameters;
  double tolerance;
  bool in_place;  // whether stock Caffe's gradient is right where the layer works in place
};

constexpr double kExact = 0, kRounded = 2e-5;  // results are at most a few hundred here

inline std::vector<LayerCase> layer_cases() {
  return {{"ReLU", "", kExact, true},
          {"ReLU", "relu_param { negative_slope: 0.5 }", kExact, true},
          {"Sigmoid", "", kRounded, true},
          {"TanH", "", kRounded, true},
          {"ELU", "", kRounded, true},
          {"ELU", "elu_param { alpha: 0.5 }", kRounded, true},
          {"AbsVal", "", kExact, false},
          {"BNLL", "", kRounded, false},
          {"Clip", "clip_param { min: -1 max: 2 }", kExact, false},
          {"Swish", "", kRounded, true},
          {"Swish", "swish_param { beta: 0.5 }", kRounded, true},
          {"Power", "", kExact, false},
          {"Power", "power_param { scale: 2 shift: 1 }", kExact, false},
          {"Power", "power_param { power: 2 scale: 2 shift: 1 }", kExact, false},
          {"Power", "power_param { power: 2 }", kExact, false},
          {"Power", "power_param { power: 0 scale: 2 shift: 1 }", kExact, false},
          {"Power", "power_param { power: 3 scale: 0 shift: 2 }", kExact, false},
          {"Power", "power_param { power: 3 scale: 0.5 shift: 0.25 }", kRounded, false},
          {"Power", "power_param { power: -2 scale: 0.5 shift: 2.25 }", kRounded, false},
          {"Power", "power_param { power: 0.37 shift: 4 }", kRounded, false},
          {"Exp", "", kRounded, true},
          {"Exp", "exp_param { scale: 0.5 shift: 0.5 }", kRounded, true},
          {"Exp", "exp_param { base: 2 }", kRounded, true},
          {"Exp", "exp_param { base: 2 scale: 0.5 shift: 3 }", kRounded, true},
          {"Log", "log_param { shift: 4 }", kRounded, false},
          {"Log", "log_param { scale: -0.5 shift: 4 }", kRounded, false},
          {"Log", "log_param { base: 2 shift: 4 }", kRounded, false},
          {"Log", "log_param { base: 10 scale: 0.5 shift: 4 }", kRounded, false}};
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_ELEMENTWISE_CASES_HPP_
