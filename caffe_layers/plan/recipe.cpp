#include "plan/recipe.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace barista::plan {
namespace {

using Json = nlohmann::json;

int positive(const Json& recipe, const char* key) {
  const int value = recipe.at(key).get<int>();
  if (value < 1)
    throw std::invalid_argument("its recipe says " + std::string(key) + " = " + std::to_string(value) +
                                ", which must be at least 1");
  return value;
}

// What nlohmann-json says of a missing or mistyped field, without its own prefix.
std::string reason(const Json::exception& error) {
  const std::string what = error.what();
  const auto end_of_prefix = what.find("] ");
  return end_of_prefix == std::string::npos ? what : what.substr(end_of_prefix + 2);
}

}  // namespace

Recipe Recipe::from_json(const std::string& text) try {
  const Json json = Json::parse(text);
  Recipe recipe;
  recipe.name = json.at("name").get<std::string>();
  recipe.compute_units = positive(json, "compute_units");
  recipe.pe_rows = positive(json, "pe_rows");
  recipe.pe_columns = positive(json, "pe_columns");
  recipe.pe_depth = positive(json, "pe_depth");
  recipe.x_words = positive(json, "x_words");
  recipe.vec_words = positive(json, "vec_words");
  recipe.acc_words = positive(json, "acc_words");
  recipe.acc_distance = positive(json, "acc_distance");
  recipe.load_words = positive(json, "load_words");
  recipe.lanes = positive(json, "lanes");
  recipe.function_lanes = positive(json, "function_lanes");
  return recipe;
} catch (const Json::exception& error) {
  throw std::invalid_argument("its recipe can't be read (" + reason(error) + ")");
}

}  // namespace barista::plan
