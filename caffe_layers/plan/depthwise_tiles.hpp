// Into which tiles, and rectangles of the kernel, a depthwise convolution's planes are cut.
#ifndef BARISTA_PLAN_DEPTHWISE_TILES_HPP_
#define BARISTA_PLAN_DEPTHWISE_TILES_HPP_

#include <string>

#include "interface/depthwise_problem.h"
#include "plan/depthwise_axis.hpp"
#include "plan/recipe.hpp"

namespace barista::plan {

enum class DepthwiseDirection { kForward, kBackwardData, kBackwardWeights };

struct DepthwisePlane {
  DepthwiseAxis height, width;
  DepthwiseDirection direction;

  bool gathers() const { return direction == DepthwiseDirection::kBackwardData; }
  int rows() const { return gathers() ? height.src : height.dst; }
  int columns() const { return gathers() ? width.src : width.dst; }
};

// Sizes of tiles of the result, and of rectangles of the kernel.
struct DepthwiseTiles {
  int rows, columns;
  int kernel_rows, kernel_columns;
};

// Those of the fewest cycles. Throws Unsupported, `name` being what the shape is called in the sentence, where not even one result
// and one weight fit the recipe's memories.
DepthwiseTiles depthwise_tiles(const Recipe& recipe, const DepthwisePlane& plane, const std::string& name);

// On chip, along an axis: of the source, and of `results` positions of the result.
PhaseExtent source_extent(const DepthwisePlane& plane, const DepthwiseAxis& axis, int results, int taps);
PhaseExtent result_extent(const DepthwisePlane& plane, const DepthwiseAxis& axis, int results);

// Sets of DEPTHWISE_TAPS taps of a class in `taps` of a row of the kernel.
int row_chunks(const DepthwiseAxis& width, int taps);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_DEPTHWISE_TILES_HPP_
