// The problem shapes that all tests and benchmarks share, read from tests/shapes.json; tests/support/shapes.py says how a problem is
// written.
//
// BARISTA_TEST_LARGEST leaves out problems of more steps (multiplications, comparisons) than it says: a device that checks every
// instruction, like oclgrind, is thousands of times slower than others.
#ifndef BARISTA_TESTS_SUPPORT_SHAPES_HPP_
#define BARISTA_TESTS_SUPPORT_SHAPES_HPP_

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "plan/shapes.hpp"

namespace barista::testing {

// One problem and where it comes from. T is the operation's shape.
template <typename T>
struct Problem {
  std::string name;  // e.g. "lenet/conv1"
  std::string text;  // e.g. "n8g1c1h28w28o20kh5kw5sh1sw1ph0pw0dh1dw1"
  T shape;
};

// A problem's numbers by key. Throws std::runtime_error where `text` is not letters and numbers in turn.
inline std::map<std::string, int> parse_fields(const std::string& text) {
  std::map<std::string, int> fields;
  std::size_t at = 0;
  while (at < text.size()) {
    std::string key, digits;
    while (at < text.size() && std::isalpha(static_cast<unsigned char>(text[at])) != 0) key += text[at++];
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) digits += text[at++];
    if (key.empty() || digits.empty()) throw std::runtime_error("problem '" + text + "': letters and a number must take turns");
    fields[key] = std::stoi(digits);
  }
  return fields;
}

inline plan::ConvolutionShape parse_convolution(const std::string& text) {
  const auto f = parse_fields(text);
  return {f.at("n"),  f.at("c"),  f.at("h"),  f.at("w"),  f.at("o"),  f.at("kh"), f.at("kw"),
          f.at("sh"), f.at("sw"), f.at("ph"), f.at("pw"), f.at("dh"), f.at("dw"), f.at("g")};
}

inline plan::InnerProductShape parse_inner_product(const std::string& text) {
  const auto f = parse_fields(text);
  return {f.at("n"), f.at("k"), f.at("o"), f.at("t") != 0};
}

inline double steps(const plan::ConvolutionShape& s) {
  const int channels = s.C / s.G;
  return static_cast<double>(s.N) * s.O * s.P() * s.Q() * channels * s.KH * s.KW;
}
inline double steps(const plan::InnerProductShape& s) { return static_cast<double>(s.N) * s.K * s.O; }

// All problems of an operation ("convolution", "pooling", "inner_product"), each parsed. BARISTA_TEST_SHAPES names another list,
// for a device on which the whole one takes hours.
template <typename Parse>
auto load_problems(const std::string& operation, const Parse& parse) {
  const char* other = std::getenv("BARISTA_TEST_SHAPES");
  const std::string path = other != nullptr ? other : std::string(BARISTA_SOURCE_DIR) + "/tests/shapes.json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": can't be read");
  const nlohmann::ordered_json shapes = nlohmann::ordered_json::parse(file).at(operation);
  std::vector<Problem<decltype(parse(std::string()))>> problems;
  const char* largest = std::getenv("BARISTA_TEST_LARGEST");
  for (const auto& [name, text] : shapes.items()) {
    const auto shape = parse(text);
    if (largest == nullptr || steps(shape) <= std::atof(largest)) problems.push_back({name, text, shape});
  }
  if (problems.empty()) throw std::runtime_error(path + ": no problem of " + operation);
  return problems;
}

inline auto convolution_problems() { return load_problems("convolution", parse_convolution); }
inline auto inner_product_problems() { return load_problems("inner_product", parse_inner_product); }

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_SHAPES_HPP_
