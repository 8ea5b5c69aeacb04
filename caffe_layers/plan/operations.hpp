// Plans of operations as texts in JSON: the door to this folder from other languages.
#ifndef BARISTA_PLAN_OPERATIONS_HPP_
#define BARISTA_PLAN_OPERATIONS_HPP_

#include <string>

namespace barista::plan {

// `recipe` is a recipe's JSON, `operations` an array with an object for each operation: "op", its name, and the fields of its shape by the names
// that they have in this folder's headers.
//
//   "convolution", "deconvolution"  N C H W O KH KW SH SW PH PW DH DW G (a deconvolution's are those of what it transposes), bias
//   "inner product"                 N K O transpose bias
//   "pooling"                       N C H W P Q KH KW SH SW PH PW, method: maximum, average, stochastic or expected
//   "lrn"                           N C H W local_size, region: across or within
//   "elementwise"                   count, function: a type of plan/elementwise_functions.hpp in lower case; of a power: power scale shift
//   "dropout"                       count; given: the mask is in memory
//   "eltwise"                       count coefficients (one a source), kind: sum, product, quotient or maximum
//   "batch norm"                    outer channels inner global
//   "scale"                         outer channels inner scale bias in_place adds_to_scale adds_to_bias
//   "prelu"                         images channels elements shared
//   "softmax", "softmax loss", "accuracy"  outer classes inner; of an accuracy: per_class
//   "euclidean loss"                count examples
//   "sigmoid cross entropy loss"    count
//   "concat", "slice"               runs (one a part), rows
//   "split"                         readers count
//   "update"                        count clips, method: SGD, Nesterov, AdaGrad, RMSProp, AdaDelta or Adam
//
// Returns an array with an object for each operation: "passes", a list of objects with "pass" and the fields of a Cost, and, of what the
// PE array does, "grid", a list of "pass", "cycles" and "utilization" (MultiplyPlan); or, of a shape that the recipe can't take,
// "unsupported" with the sentence. Throws std::invalid_argument for what is none of these: which operation, the field, the rule.
std::string plan_operations(const std::string& recipe, const std::string& operations);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_OPERATIONS_HPP_
