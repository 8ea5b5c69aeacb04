// Plans for pooling: how a pass is cut into tiles that fit the device, which compute unit does which, and what it costs.
//
// A tile's figures are what the kernels count with (opencl_kernels/interface/pooling_tile.h). What a plan promises them: the source of a tile
// and its results fit ACC_WORDS words a lane, and a result is visited again after ACC_DISTANCE steps at the earliest.
#ifndef BARISTA_PLAN_POOLING_HPP_
#define BARISTA_PLAN_POOLING_HPP_

#include <vector>

#include "interface/pooling_tile.h"
#include "plan/cost.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

enum class PoolingMethod { kMaximum, kAverage, kStochastic, kExpected };

struct PoolingShape {
  int N, C, H, W;  // src
  int P, Q;        // dst; stock Caffe rounds its size up, and clips it where the last window would begin in the padding
  int KH, KW;      // window
  int SH, SW;      // stride
  int PH, PW;      // padding on each side
};

struct PoolingPass {
  pooling_problem problem;
  std::vector<pooling_tile> tiles;   // of every plane, in the order of work; parts of one tile side by side
  std::vector<pooling_range> units;  // one launch each
  Cost cost;
};

struct PoolingPlan {
  PoolingPass forward, backward;
};

// Throws Unsupported for a shape without elements, or of which a window's row overfills the recipe's memory, and for padding of a
// stochastic or expected pooling.
PoolingPlan plan_pooling(const Recipe& recipe, const PoolingShape& shape, PoolingMethod method);

// "forward", in which a stochastic pooling draws its random numbers too, and, but for an expected pooling, "backward".
std::vector<PassCost> pooling_costs(const Recipe& recipe, const PoolingShape& shape, PoolingMethod method);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_POOLING_HPP_
