// The recipes of bitstreams/, as the host would read them from a manifest. No device.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "plan/recipe.hpp"

namespace barista::testing {

inline std::filesystem::path recipes_folder() { return std::filesystem::path(BARISTA_SOURCE_DIR) / "bitstreams"; }

// Of every file that is there, so that no recipe goes without the tests of plans.
inline std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(recipes_folder()))
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

inline plan::Recipe recipe(const std::string& name) {
  std::ifstream file(recipes_folder() / (name + ".json"));
  return plan::Recipe::from_json({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
}

// One that no file of bitstreams/ states.
inline plan::Recipe made_up_recipe(int compute_units, int acc_words, int acc_distance, int lanes = 16) {
  plan::Recipe r;
  r.name = "made-up";
  r.compute_units = compute_units;
  r.acc_words = acc_words;
  r.acc_distance = acc_distance;
  r.lanes = r.function_lanes = lanes;
  return r;
}

// With which plans that cut planes into tiles are tried: those of bitstreams/; one unit with little memory, so that kernels and
// windows come in parts; three units with much.
inline std::vector<plan::Recipe> plan_recipes() {
  std::vector<plan::Recipe> all = {made_up_recipe(1, 48, 8, 4), made_up_recipe(3, 8192, 64)};
  for (const std::string& name : recipe_names()) all.push_back(recipe(name));
  return all;
}

}  // namespace barista::testing
