#include "plan/operations.hpp"

#include <cctype>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "plan/class_axis.hpp"
#include "plan/convolution_plan.hpp"
#include "plan/copy.hpp"
#include "plan/elementwise.hpp"
#include "plan/eltwise.hpp"
#include "plan/inner_product_plan.hpp"
#include "plan/losses.hpp"
#include "plan/lrn.hpp"
#include "plan/multiply_costs.hpp"
#include "plan/normalisation.hpp"
#include "plan/pooling.hpp"
#include "plan/recipe.hpp"
#include "plan/solver_update.hpp"
#include "plan/unsupported.hpp"

namespace barista::plan {
namespace {

using Json = nlohmann::json;
using Costs = std::vector<PassCost>;

// One operation's fields.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  // A whole number of at least `least`.
  int number(const char* key, int least) const { return whole(key, at(key), least); }
  int size(const char* key) const { return number(key, 1); }
  std::vector<int> sizes(const char* key) const {
    std::vector<int> all;
    for (const Json& value : list(key)) all.push_back(whole(key, value, 0));
    return all;
  }
  float real(const char* key, float otherwise) const { return object_.contains(key) ? real(key, at(key)) : otherwise; }
  std::vector<float> reals(const char* key) const {
    std::vector<float> all;
    for (const Json& value : list(key)) all.push_back(real(key, value));
    return all;
  }
  bool flag(const char* key) const {
    const Json& value = at(key);
    if (!value.is_boolean()) refuse(key, value, "true or false");
    return value.get<bool>();
  }
  // One of the names of `choices`.
  template <typename T>
  T choice(const char* key, const std::map<std::string, T>& choices) const {
    const Json& value = at(key);
    const auto found = value.is_string() ? choices.find(value.get<std::string>()) : choices.end();
    if (found != choices.end()) return found->second;
    std::string names;
    for (const auto& [name, ignored] : choices) names += (names.empty() ? "" : ", ") + name;
    refuse(key, value, "one of " + names);
  }

 private:
  [[noreturn]] static void refuse(const char* key, const Json& value, const std::string& rule) {
    throw std::invalid_argument(std::string(key) + " is " + value.dump() + "; it must be " + rule);
  }
  static int whole(const char* key, const Json& value, int least) {
    if (!value.is_number_integer() || value < least || value > std::numeric_limits<int>::max())
      refuse(key, value, "a whole number from " + std::to_string(least) + " to 2147483647");
    return value.get<int>();
  }
  static float real(const char* key, const Json& value) {
    if (!value.is_number()) refuse(key, value, "a number");
    return value.get<float>();
  }
  const Json& at(const char* key) const {
    if (!object_.contains(key)) throw std::invalid_argument(std::string(key) + " is missing");
    return object_[key];
  }
  const Json& list(const char* key) const {
    const Json& value = at(key);
    if (!value.is_array() || value.empty()) refuse(key, value, "a list");
    return value;
  }

  const Json& object_;
};

ConvolutionShape convolution_shape(const Fields& f) {
  ConvolutionShape s = {};
  s.N = f.size("N"), s.C = f.size("C"), s.H = f.size("H"), s.W = f.size("W");
  s.O = f.size("O"), s.KH = f.size("KH"), s.KW = f.size("KW"), s.G = f.size("G");
  s.SH = f.size("SH"), s.SW = f.size("SW"), s.DH = f.size("DH"), s.DW = f.size("DW");
  s.PH = f.number("PH", 0), s.PW = f.number("PW", 0);
  if (s.C % s.G != 0 || s.O % s.G != 0)
    throw std::invalid_argument("G is " + std::to_string(s.G) + "; it must divide C (" + std::to_string(s.C) + ") and O (" +
                                std::to_string(s.O) + ")");
  return s;
}

InnerProductShape inner_product_shape(const Fields& f) { return {f.size("N"), f.size("K"), f.size("O"), f.flag("transpose")}; }

Costs pooling(const Recipe& recipe, const Fields& f) {
  const std::map<std::string, PoolingMethod> methods = {{"maximum", PoolingMethod::kMaximum},
                                                        {"average", PoolingMethod::kAverage},
                                                        {"stochastic", PoolingMethod::kStochastic},
                                                        {"expected", PoolingMethod::kExpected}};
  const PoolingShape s = {f.size("N"),  f.size("C"),  f.size("H"),  f.size("W"),  f.size("P"),       f.size("Q"),
                          f.size("KH"), f.size("KW"), f.size("SH"), f.size("SW"), f.number("PH", 0), f.number("PW", 0)};
  return pooling_costs(recipe, s, f.choice("method", methods));
}

Costs lrn(const Recipe& recipe, const Fields& f) {
  const std::map<std::string, LRNRegion> regions = {{"across", LRNRegion::kAcrossChannels}, {"within", LRNRegion::kWithinChannel}};
  return lrn_costs(recipe, {f.size("N"), f.size("C"), f.size("H"), f.size("W")},
                   {f.choice("region", regions), f.size("local_size"), 1, 1, 1});
}

std::string lower_case(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

// The rows of BARISTA_ELEMENTWISE_FUNCTIONS by their names. Of most the cost is the same whatever they take, which may be left out.
Costs elementwise(const Recipe& recipe, const Fields& f) {
#define BARISTA_FUNCTION(Name, its_function) \
  {lower_case(#Name), []([[maybe_unused]] const Fields& f) { return functions::its_function; }},
#define BARISTA_FIELD(message, field) f.real(#field, 1)
#define BARISTA_MADE(member) 1
  using Function = Elementwise (*)(const Fields&);
  static const std::map<std::string, Function> all = {BARISTA_ELEMENTWISE_FUNCTIONS(BARISTA_FUNCTION, BARISTA_FIELD, BARISTA_MADE)};
#undef BARISTA_MADE
#undef BARISTA_FIELD
#undef BARISTA_FUNCTION
  return elementwise_costs(recipe, f.choice("function", all)(f), f.number("count", 0));
}

Costs eltwise(const Recipe& recipe, const Fields& f) {
  const std::map<std::string, EltwiseKind> kinds = {{"sum", EltwiseKind::kSum},
                                                    {"product", EltwiseKind::kProduct},
                                                    {"quotient", EltwiseKind::kQuotient},
                                                    {"maximum", EltwiseKind::kMaximum}};
  const std::vector<float> coefficients = f.reals("coefficients");
  if (coefficients.size() < 2) throw std::invalid_argument("coefficients is of one source; there must be at least 2");
  return eltwise_costs(recipe, f.choice("kind", kinds), coefficients, f.number("count", 0));
}

ChannelShape channel_shape_of(const Fields& f) { return {f.size("outer"), f.size("channels"), f.size("inner")}; }
ClassAxis class_axis_of(const Fields& f) { return {f.size("outer"), f.size("classes"), f.size("inner")}; }

Costs update(const Recipe& recipe, const Fields& f) {
  const std::map<std::string, int> methods = {{"SGD", SOLVER_SGD},           {"Nesterov", SOLVER_NESTEROV},
                                              {"AdaGrad", SOLVER_ADAGRAD},   {"RMSProp", SOLVER_RMSPROP},
                                              {"AdaDelta", SOLVER_ADADELTA}, {"Adam", SOLVER_ADAM}};
  return update_costs(recipe, f.choice("method", methods), f.number("count", 0), f.flag("clips"));
}

using Operation = Costs (*)(const Recipe&, const Fields&);

const std::map<std::string, Operation>& operations() {
  static const std::map<std::string, Operation> all = {
      {"convolution", [](const Recipe& r, const Fields& f) { return costs(r, convolution_shape(f), f.flag("bias")); }},
      {"deconvolution",
       [](const Recipe& r, const Fields& f) { return deconvolution_costs(r, convolution_shape(f), f.flag("bias")); }},
      {"inner product", [](const Recipe& r, const Fields& f) { return costs(r, inner_product_shape(f), f.flag("bias")); }},
      {"pooling", pooling},
      {"lrn", lrn},
      {"elementwise", elementwise},
      {"dropout", [](const Recipe& r, const Fields& f) { return dropout_costs(r, f.number("count", 0), f.flag("given")); }},
      {"eltwise", eltwise},
      {"batch norm", [](const Recipe& r, const Fields& f) { return batch_norm_costs(r, channel_shape_of(f), f.flag("global")); }},
      {"scale",
       [](const Recipe& r, const Fields& f) {
         return scale_costs(r, channel_shape_of(f),
                            {f.flag("scale"), f.flag("bias"), f.flag("in_place"), f.flag("adds_to_scale"), f.flag("adds_to_bias")});
       }},
      {"prelu",
       [](const Recipe& r, const Fields& f) {
         return prelu_costs(r, {f.size("images"), f.size("channels"), f.size("elements"), f.flag("shared")});
       }},
      {"softmax", [](const Recipe& r, const Fields& f) { return softmax_costs(r, class_axis_of(f)); }},
      {"softmax loss", [](const Recipe& r, const Fields& f) { return softmax_loss_costs(r, class_axis_of(f)); }},
      {"accuracy", [](const Recipe& r, const Fields& f) { return accuracy_costs(r, class_axis_of(f), f.flag("per_class")); }},
      {"euclidean loss",
       [](const Recipe& r, const Fields& f) { return loss_costs(plan_euclidean_loss(r, f.size("count"), f.size("examples"))); }},
      {"sigmoid cross entropy loss",
       [](const Recipe& r, const Fields& f) { return loss_costs(plan_sigmoid_cross_entropy_loss(r, f.size("count"))); }},
      {"concat", [](const Recipe& r, const Fields& f) { return concat_costs(r, f.sizes("runs"), f.number("rows", 0)); }},
      {"slice", [](const Recipe& r, const Fields& f) { return slice_costs(r, f.sizes("runs"), f.number("rows", 0)); }},
      {"split", [](const Recipe& r, const Fields& f) { return split_costs(r, f.size("readers"), f.number("count", 0)); }},
      {"update", update}};
  return all;
}

// The plans of what the PE array does.
std::vector<PassPlan> grid_plans(const Recipe& recipe, const std::string& op, const Fields& f) {
  if (op == "inner product") return plan_inner_product(recipe, inner_product_shape(f)).passes();
  if (op != "convolution" && op != "deconvolution") return {};
  const ConvolutionShape shape = convolution_shape(f);
  return is_depthwise(shape) ? std::vector<PassPlan>{} : plan_convolution(recipe, shape).passes();
}

Json as_json(const PassCost& pass) {
  const Cost& c = pass.cost;
  return {{"pass", pass.pass},  {"launches", c.launches}, {"steps", c.steps},
          {"loaded", c.loaded}, {"stored", c.stored},     {"multiply_adds", c.multiply_adds}};
}

Json answer(const Recipe& recipe, const Json& operation) {
  const auto found = operations().find(operation.value("op", ""));
  if (found == operations().end()) {
    std::string names;
    for (const auto& [name, ignored] : operations()) names += (names.empty() ? "" : ", ") + name;
    throw std::invalid_argument("op is " + (operation.contains("op") ? operation["op"].dump() : "missing") +
                                "; it must be one of " + names);
  }
  const Fields fields(operation);
  try {
    Json all = {{"passes", Json::array()}, {"grid", Json::array()}};
    for (const PassCost& pass : found->second(recipe, fields)) all["passes"].push_back(as_json(pass));
    for (const PassPlan& pass : grid_plans(recipe, found->first, fields))
      all["grid"].push_back({{"pass", pass.pass.name}, {"cycles", pass.plan.cycles}, {"utilization", pass.plan.utilization}});
    return all;
  } catch (const Unsupported& reason) {
    return {{"unsupported", reason.what()}};
  }
}

Json parsed(const std::string& text, const char* what) try { return Json::parse(text); } catch (const Json::exception& error) {
  throw std::invalid_argument(std::string(what) + " can't be read: " + error.what());
}

}  // namespace

std::string plan_operations(const std::string& recipe_json, const std::string& operations_json) {
  const Recipe recipe = Recipe::from_json(recipe_json);
  const Json wanted = parsed(operations_json, "operations");
  if (!wanted.is_array()) throw std::invalid_argument("operations must be a list");
  Json answers = Json::array();
  for (const Json& operation : wanted) {
    const std::string which = "operation " + std::to_string(answers.size()) + ": ";
    if (!operation.is_object()) throw std::invalid_argument(which + "it must be an object");
    try {
      answers.push_back(answer(recipe, operation));
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(which + error.what());
    } catch (const Json::exception& error) {
      throw std::invalid_argument(which + error.what());
    }
  }
  return answers.dump();
}

}  // namespace barista::plan
