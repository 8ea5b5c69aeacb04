// Plans for pooling: how a pass is cut into tiles that fit the device, and which compute unit does which.
//
// A tile's figures are what the kernels count with (opencl_kernels/interface/pooling_tile.h). What a plan promises them: the source of a tile
// and its results fit ACC_WORDS words a lane, and a result is visited again after ACC_DISTANCE steps at the earliest.
#ifndef BARISTA_OPS_POOLING_PLAN_HPP_
#define BARISTA_OPS_POOLING_PLAN_HPP_

#include <vector>

#include "interface/pooling_tile.h"
#include "ops/pooling.hpp"

namespace barista::ops {

struct PoolingPass {
  pooling_problem problem;
  std::vector<pooling_tile> tiles;   // of every plane, in the order of work; parts of one tile side by side
  std::vector<pooling_range> units;  // one launch each
};

struct PoolingPlan {
  PoolingPass forward, backward;
};

// Throws device::Error for a shape without elements, or of which a window's row overfills the recipe's memory.
PoolingPlan plan_pooling(const device::Recipe& recipe, const PoolingShape& shape, PoolingMethod method);

}  // namespace barista::ops

#endif  // BARISTA_OPS_POOLING_PLAN_HPP_
