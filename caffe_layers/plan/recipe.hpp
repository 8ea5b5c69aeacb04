// The hardware's configuration, as a bitstream's manifest carries it and bitstreams/*.json states it, where each key is explained
// (barista/bitstream/recipe.py). The only place from which the host learns tile sizes: they are the values with which the kernels were compiled.
#ifndef BARISTA_PLAN_RECIPE_HPP_
#define BARISTA_PLAN_RECIPE_HPP_

#include <map>
#include <optional>
#include <string>

namespace barista::plan {

constexpr int kMostUnits = 4;  // that opencl_kernels/each_unit.h names

// OpenCL C types: what memory holds, and what sums are kept in.
struct NumberFormat {
  std::string storage, accumulate;
};

// Field by field what a recipe says. One that from_json() returns is consistent: each rule that barista.bitstream.recipe has was held.
struct Recipe {
  std::string name, description;
  std::optional<std::string> board;
  std::string target;
  NumberFormat number_format;
  int compute_units = 0;
  int pe_rows = 0;
  int pe_columns = 0;
  int pe_depth = 0;
  int x_words = 0;
  int vec_words = 0;
  int acc_words = 0;
  int acc_distance = 0;
  int load_words = 0;
  int lanes = 0;
  int function_lanes = 0;
  std::map<std::string, int> extra;  // further numbers, for kernels of one's own

  // From the text of a recipe in JSON. Throws std::invalid_argument: which key, its value, the rule.
  static Recipe from_json(const std::string& text);
};

}  // namespace barista::plan

#endif  // BARISTA_PLAN_RECIPE_HPP_
