// A recipe as the host reads it: every key of bitstreams/*.json, one's own numbers too, and the rules that barista.bitstream.recipe has. No device.
#include "plan/recipe.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "support/recipes.hpp"

namespace barista::testing {
namespace {

using Json = nlohmann::json;
using plan::Recipe;

Json written(const std::string& name) { return Json::parse(std::ifstream(recipes_folder() / (name + ".json"))); }

TEST(Recipe, IsFieldByFieldWhatItsFileSays) {
  for (const std::string& name : recipe_names()) {
    const Json file = written(name);
    const Recipe r = Recipe::from_json(file.dump());
    Json read = {{"name", r.name},
                 {"description", r.description},
                 {"board", r.board ? Json(*r.board) : Json()},
                 {"target", r.target},
                 {"number_format", {{"storage", r.number_format.storage}, {"accumulate", r.number_format.accumulate}}},
                 {"compute_units", r.compute_units},
                 {"pe_rows", r.pe_rows},
                 {"pe_columns", r.pe_columns},
                 {"pe_depth", r.pe_depth},
                 {"x_words", r.x_words},
                 {"vec_words", r.vec_words},
                 {"acc_words", r.acc_words},
                 {"acc_distance", r.acc_distance},
                 {"load_words", r.load_words},
                 {"lanes", r.lanes},
                 {"function_lanes", r.function_lanes}};
    EXPECT_EQ(read, file) << name;
    EXPECT_TRUE(r.extra.empty());
  }
}

TEST(Recipe, HasOnesOwnNumbers) {
  Json file = written("emulator");
  file["window_words"] = 7;
  const Recipe r = Recipe::from_json(file.dump());
  EXPECT_EQ(r.extra, (std::map<std::string, int>{{"window_words", 7}}));
}

TEST(Recipe, RefusesAValueAgainstItsRule) {
  struct Case {
    std::string key;
    Json value;
    std::string complaint;
  };
  const std::vector<Case> cases = {
      {"compute_units", plan::kMostUnits + 1, "compute_units = 5, which must be at most what opencl_kernels/each_unit.h names (4)"},
      {"compute_units", 0, "compute_units = 0, which must be a whole number from 1 to 1048576"},
      {"pe_rows", "4", "pe_rows = \"4\", which must be a whole number"},
      {"pe_columns", 24, "pe_columns = 24, which must be 16, 32, 64 or so on"},
      {"acc_distance", 513, "acc_distance = 513, which must be at most acc_words (512)"},
      {"load_words", 3, "load_words = 3, which must be 1, 2, 4, 8 or 16"},
      {"lanes", 5, "lanes = 5, which must be 4, 8 or 16"},
      {"function_lanes", 32, "function_lanes = 32, which must be 1, 2, 4, 8 or 16"},
      {"lanes", 8, "function_lanes = 16, which must be at most lanes (8)"},
      {"x_words", 2033, "x_words = 2033, which must be a multiple of load_words (4)"},
      {"number_format", {{"storage", "half"}, {"accumulate", "float"}}, "number_format.storage = \"half\", which must be float"},
      {"target", 3, "target = 3, which must be a text"},
      {"My-Key", 1, "My-Key = 1, which must be named in small letters"},
      {"own", 1.5, "own = 1.5, which must be a whole number"}};
  for (const Case& c : cases) {
    Json file = written("emulator");
    file[c.key] = c.value;
    try {
      Recipe::from_json(file.dump());
      ADD_FAILURE() << c.complaint;
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(std::string(error.what()).find("its recipe says " + c.complaint), 0U) << error.what();
    }
  }
}

TEST(Recipe, RefusesToBeWithoutAKey) {
  const Json whole = written("emulator");
  for (const auto& [key, ignored] : whole.items()) {
    Json file = whole;
    file.erase(key);
    try {
      Recipe::from_json(file.dump());
      ADD_FAILURE() << key;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find("'" + key + "'"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace barista::testing
