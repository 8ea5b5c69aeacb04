#include "plan/multiply_costs.hpp"

#include <string>

#include "plan/convolution_plan.hpp"
#include "plan/depthwise_cost.hpp"
#include "plan/depthwise_plan.hpp"
#include "plan/grid_cost.hpp"
#include "plan/inner_product_plan.hpp"
#include "plan/weights_cost.hpp"

namespace barista::plan {
namespace {

// What a pass adds up of the bias's gradient; zeros where there is no bias.
bias_sums sums_of(bool bias, int images, int outputs, int plane) {
  return bias ? bias_sums{images, outputs, plane, 0} : bias_sums{};
}

// Launches of nothing are not made.
Cost bias_cost(const Recipe& recipe, const bias_sums& sums) { return gradients_cost(recipe, {}, sums); }

Cost with(Cost cost, std::int64_t multiply_adds) {
  cost.multiply_adds = multiply_adds;
  return cost;
}

Cost outputs_cost(const Recipe& recipe, const std::vector<PassPlan>& passes, bool bias) {
  std::vector<const MultiplyPlan*> plans;
  for (const PassPlan& pass : passes) plans.push_back(&pass.plan);
  return grid_cost(recipe, plans, bias);
}

// The gradients of packed weights and of the bias are added up by the same launches.
Cost weights_cost(const Recipe& recipe, const PassPlan& pass, const bias_sums& sums) {
  Cost cost = grid_cost(recipe, {&pass.plan}, false);
  cost += pass.packs() ? gradients_cost(recipe, pass.packed.layout, sums) : bias_cost(recipe, sums);
  return cost;
}

void add_packing(const Recipe& recipe, const std::vector<PassPlan>& forward, const std::vector<PassPlan>& data,
                 std::vector<PassCost>& all) {
  PackedLayouts packed;
  const auto add = [&](const std::vector<PassPlan>& passes) {
    for (const PassPlan& pass : passes)
      if (pass.packs()) packed.add(pass.packed, pass.plan.packed_floats);
  };
  add(forward);
  const PackedLayouts of_forward = packed;
  add(data);
  if (!packed.empty()) all.push_back({"pack weights", pack_cost(recipe, packed)});
  if (!of_forward.empty()) all.push_back({"pack weights for forward", pack_cost(recipe, of_forward)});
}

// A deconvolution's forward pass is its convolution's backward-data, and the other way round.
std::vector<PassCost> convolution_costs(const Recipe& recipe, const ConvolutionShape& s, const bias_sums& sums,
                                        bool deconvolution) {
  check_output(s);
  const std::int64_t products = multiply_adds(s);
  const bool with_bias = sums.outputs > 0;
  const char *image_pass = deconvolution ? "backward data" : "forward", *feature_pass = deconvolution ? "forward" : "backward data";
  std::vector<PassCost> all;
  if (is_depthwise(s)) {
    const DepthwisePlan plan = plan_depthwise(recipe, s);
    Cost weights = depthwise_weights_cost(recipe, plan.weights);
    weights += bias_cost(recipe, sums);
    all = {{image_pass, with(depthwise_apply_cost(recipe, plan.forward, with_bias && !deconvolution), products)},
           {feature_pass, with(depthwise_apply_cost(recipe, plan.data, with_bias && deconvolution), products)},
           {"backward weights", with(weights, products)}};
  } else {
    const ConvolutionPlan plan = plan_convolution(recipe, s);
    all = {{image_pass, with(outputs_cost(recipe, {plan.forward}, with_bias && !deconvolution), products)},
           {feature_pass, with(outputs_cost(recipe, plan.data, with_bias && deconvolution), products)},
           {"backward weights", with(weights_cost(recipe, plan.weights, sums), products)}};
    deconvolution ? add_packing(recipe, plan.data, {plan.forward}, all) : add_packing(recipe, {plan.forward}, plan.data, all);
  }
  if (deconvolution) std::swap(all[0], all[1]);
  return all;
}

}  // namespace

std::vector<PassCost> costs(const Recipe& recipe, const ConvolutionShape& s, bool bias) {
  return convolution_costs(recipe, s, sums_of(bias, s.N, s.O, s.P() * s.Q()), false);
}

std::vector<PassCost> deconvolution_costs(const Recipe& recipe, const ConvolutionShape& s, bool bias) {
  return convolution_costs(recipe, s, sums_of(bias, s.N, s.C, s.H * s.W), true);
}

std::vector<PassCost> costs(const Recipe& recipe, const InnerProductShape& s, bool bias) {
  const InnerProductPlan plan = plan_inner_product(recipe, s);
  const std::int64_t products = std::int64_t(s.N) * s.K * s.O;
  std::vector<PassCost> all = {
      {"forward", with(outputs_cost(recipe, {plan.forward}, bias), products)},
      {"backward data", with(outputs_cost(recipe, {plan.data}, false), products)},
      {"backward weights", with(weights_cost(recipe, plan.weights, sums_of(bias, s.N, s.O, 1)), products)}};
  add_packing(recipe, {plan.forward}, {plan.data}, all);
  return all;
}

}  // namespace barista::plan
