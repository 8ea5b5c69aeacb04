// What the passes of convolution, deconvolution and inner product cost, from their plans alone.
//
// The passes: "forward", "backward data", "backward weights" (with the adding up of partial gradients, and the bias's gradient),
// and, where some pass packs its weights, "pack weights" (for forward and backward data, in one launch a unit: once after each
// update of the weights) and "pack weights for forward" (for that alone: what a net does that is not trained, or a layer whose
// bottom needs no gradient). A pass has the sum over its launches; a training step of a layer is the first four.
//
// Counted is a forward pass without post-ops, its bias added where `bias`; and gradients of parameters that were known to be zero,
// as in the first backward pass after an update, so that none is read before it is stored. What is counted of each kernel:
//
//   steps    iterations of every innermost loop that is not unrolled, whatever its body does. The array's loop nest and the loader of
//            x, which FUSE_LOOPS makes one loop, count as often as the longer of the two runs in this tile iteration.
//   loaded   elements of tensors (src, weights, gradients, scale, offset: `storage`) that are read from global memory. Of a vector
//            of which only the first `valid` elements are there, these. Not what describes the work: jobs, parts, sweeps, taps,
//            layouts.
//   stored   elements of tensors that are written to it, counted the same way.
//
// The innermost loops, kernel by kernel:
//   multiply_*: clearing acc (acc_used); load_weights (window * lanes * vectors); load_pixels (its loop over a tile's pixels);
//     load_turned (its loop over p in vectors of 16); the array's nest and the loader's loop over c, as said above; store_outputs
//     (its loop of 16 over c); store_gradients (its loop over parts).
//   pack_weights_*: both loops of 16 over c (not its search for the layout).
//   parameter_gradients_*: partials_added (its loop over partial gradients); add_gradients (its loop over 16 / LANES); the bias's
//     loops over s and over SUMS.
//   depthwise_apply_*: depthwise_numbers (LANES, twice a group of planes); depthwise_load_weights (LANES) and the loop over k that
//     follows it; depthwise_clear; depthwise_load (its loop over lanes and the one over i); depthwise_sweeps (steps);
//     depthwise_store (its loop over i and the one over lanes).
//   depthwise_weights_*: clearing partials (its loop over i); depthwise_clear; depthwise_load, twice; depthwise_gradients (steps);
//     depthwise_totals (its loop over i); storing (the loop over lanes).
#ifndef BARISTA_PLAN_MULTIPLY_COSTS_HPP_
#define BARISTA_PLAN_MULTIPLY_COSTS_HPP_

#include <vector>

#include "plan/cost.hpp"
#include "plan/recipe.hpp"
#include "plan/shapes.hpp"

namespace barista::plan {

// Each throws Unsupported for a shape that the recipe's memories can't take.
std::vector<PassCost> costs(const Recipe& recipe, const ConvolutionShape& shape, bool bias = true);
std::vector<PassCost> costs(const Recipe& recipe, const InnerProductShape& shape, bool bias = true);
// Of the deconvolution that `transposed` describes: from [N][O][P][Q] to [N][C][H][W], with a bias [C].
std::vector<PassCost> deconvolution_costs(const Recipe& recipe, const ConvolutionShape& transposed, bool bias = true);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_MULTIPLY_COSTS_HPP_
