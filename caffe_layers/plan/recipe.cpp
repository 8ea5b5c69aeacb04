#include "plan/recipe.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

namespace barista::plan {
namespace {

using Json = nlohmann::json;

constexpr int kVector = 16;              // columns of the array in a vector of memory
constexpr int kLargestNumber = 1 << 20;  // of any key

// Every key that is a number of the kernels.
const std::map<std::string, int Recipe::*>& numbers() {
  static const std::map<std::string, int Recipe::*> keys = {{"compute_units", &Recipe::compute_units},
                                                            {"pe_rows", &Recipe::pe_rows},
                                                            {"pe_columns", &Recipe::pe_columns},
                                                            {"pe_depth", &Recipe::pe_depth},
                                                            {"x_words", &Recipe::x_words},
                                                            {"vec_words", &Recipe::vec_words},
                                                            {"acc_words", &Recipe::acc_words},
                                                            {"acc_distance", &Recipe::acc_distance},
                                                            {"load_words", &Recipe::load_words},
                                                            {"lanes", &Recipe::lanes},
                                                            {"function_lanes", &Recipe::function_lanes}};
  return keys;
}

// All others that every recipe has.
constexpr std::array<std::string_view, 5> kOthers = {"name", "description", "board", "target", "number_format"};

void rule(const std::string& key, const Json& value, bool holds, const std::string& rule) {
  if (!holds) throw std::invalid_argument("its recipe says " + key + " = " + value.dump() + ", which must be " + rule);
}

int number(const Json& recipe, const std::string& key) {
  const Json& value = recipe.at(key);
  const bool holds = value.is_number_integer() && value >= 1 && value <= kLargestNumber;
  rule(key, value, holds, "a whole number from 1 to " + std::to_string(kLargestNumber));
  return value.get<int>();
}

std::string text(const Json& recipe, const std::string& key) {
  const Json& value = recipe.at(key);
  rule(key, value, value.is_string() && !value.get<std::string>().empty(), "a text");
  return value.get<std::string>();
}

std::string format(const Json& recipe, const std::string& part) {
  const Json& value = recipe.at("number_format").at(part);
  rule("number_format." + part, value, value == "float", "float, the one that kernels and host know");
  return value.get<std::string>();
}

// A macro's name, were it in capitals.
bool is_name(const std::string& key) {
  const auto small = [](char letter) { return letter >= 'a' && letter <= 'z'; };
  return !key.empty() && small(key[0]) &&
         std::all_of(key.begin(), key.end(), [&](char c) { return small(c) || (c >= '0' && c <= '9') || c == '_'; });
}

bool is_power_of_2(int value) { return value > 0 && (value & (value - 1)) == 0; }

void check(const Recipe& r) {
  const auto at_most = [](const std::string& key, int value, int limit, const std::string& what) {
    rule(key, value, value <= limit, "at most " + what + " (" + std::to_string(limit) + ")");
  };
  at_most("compute_units", r.compute_units, kMostUnits, "what opencl_kernels/each_unit.h names");
  at_most("acc_distance", r.acc_distance, r.acc_words, "acc_words");
  rule("pe_columns", r.pe_columns, r.pe_columns % kVector == 0 && is_power_of_2(r.pe_columns), "16, 32, 64 or so on");
  rule("load_words", r.load_words, r.load_words <= 16 && is_power_of_2(r.load_words), "1, 2, 4, 8 or 16");
  rule("lanes", r.lanes, r.lanes == 4 || r.lanes == 8 || r.lanes == 16, "4, 8 or 16");
  rule("function_lanes", r.function_lanes, r.function_lanes <= 16 && is_power_of_2(r.function_lanes), "1, 2, 4, 8 or 16");
  at_most("function_lanes", r.function_lanes, r.lanes, "lanes");
  rule("x_words", r.x_words, r.x_words % r.load_words == 0, "a multiple of load_words (" + std::to_string(r.load_words) + ")");
}

// What nlohmann-json says of a missing or mistyped field, without its own prefix.
std::string reason(const Json::exception& error) {
  const std::string what = error.what();
  const auto end_of_prefix = what.find("] ");
  return end_of_prefix == std::string::npos ? what : what.substr(end_of_prefix + 2);
}

}  // namespace

Recipe Recipe::from_json(const std::string& json_text) try {
  const Json json = Json::parse(json_text);
  Recipe recipe;
  recipe.name = text(json, "name");
  recipe.description = text(json, "description");
  if (!json.at("board").is_null()) recipe.board = text(json, "board");
  recipe.target = text(json, "target");
  recipe.number_format = {format(json, "storage"), format(json, "accumulate")};
  for (const auto& [key, member] : numbers()) recipe.*member = number(json, key);
  for (const auto& [key, value] : json.items()) {
    if (numbers().count(key) != 0 || std::find(kOthers.begin(), kOthers.end(), key) != kOthers.end()) continue;
    rule(key, value, is_name(key), "named in small letters, digits and _");
    recipe.extra[key] = number(json, key);
  }
  check(recipe);
  return recipe;
} catch (const Json::exception& error) {
  throw std::invalid_argument("its recipe can't be read (" + reason(error) + ")");
}

}  // namespace barista::plan
