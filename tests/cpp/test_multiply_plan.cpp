// What the kernel's initiation interval and its memories rely on, for every descriptor that the shared shapes produce
// with every recipe of bitstreams/. No device.
#include "plan/multiply_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "plan/convolution_plan.hpp"
#include "plan/inner_product_plan.hpp"
#include "plan/loop_nest.hpp"
#include "plan/unsupported.hpp"
#include "support/recipes.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

class MultiplyPlanTest : public ::testing::TestWithParam<std::string> {
 protected:
  // Calls check(plan, recipe) for every pass of every shared problem.
  template <typename Check>
  void for_each_plan(const Check& check) {
    const plan::Recipe r = recipe(GetParam());
    for (const auto& problem : convolution_problems())
      for_each_pass(problem.name + " " + problem.text, plan::plan_convolution(r, problem.shape).passes(), r, check);
    for (const auto& problem : inner_product_problems())
      for_each_pass(problem.name + " " + problem.text, plan::plan_inner_product(r, problem.shape).passes(), r, check);
  }

 private:
  template <typename Check>
  void for_each_pass(const std::string& name, const std::vector<plan::PassPlan>& passes, const plan::Recipe& r,
                     const Check& check) {
    for (const plan::PassPlan& pass : passes) {
      SCOPED_TRACE(name + ", " + pass.pass.name);
      check(pass.plan, r);
    }
  }
};

// The promise behind `ivdep safelen(ACC_DISTANCE)`: no accumulator comes back sooner.
TEST_P(MultiplyPlanTest, AccumulatorsComeBackLateEnough) {
  for_each_plan([](const plan::MultiplyPlan& plan, const plan::Recipe& r) {
    EXPECT_GE(plan::run_nest(plan.descriptor).revisit_distance, r.acc_distance);
  });
}

TEST_P(MultiplyPlanTest, TilesFitTheMemories) {
  for_each_plan([](const plan::MultiplyPlan& plan, const plan::Recipe& r) {
    const multiply_descriptor& d = plan.descriptor;
    const plan::NestReport nest = plan::run_nest(d);
    const int lane_groups = d.lanes / (d.weights_pass ? r.pe_rows : r.pe_depth);
    if (lane_groups == 0) return;
    EXPECT_LE(nest.x_words, lane_groups * d.image_groups * d.tile_rows * d.tile_width)
        << "the nest reads beyond what the loader wrote";
    EXPECT_LE(lane_groups * d.image_groups * d.tile_rows * d.tile_width, r.x_words);
    EXPECT_LE(nest.vec_words, r.vec_words);
    EXPECT_LE(nest.acc_words, r.acc_words);
    EXPECT_EQ(d.tile_width % r.load_words, 0) << "a row of a tile would not begin at a word of the write port";
    EXPECT_EQ(d.vec_stride[MULTIPLY_LOOPS - 1], 0) << "the innermost loop moves vec";
  });
}

// Every multiply-add once: the nest's steps are the window, lanes, vectors and pixels of the tile, in the weights pass too.
TEST_P(MultiplyPlanTest, NestCoversTheTile) {
  for_each_plan([](const plan::MultiplyPlan& plan, const plan::Recipe& r) {
    const multiply_descriptor& d = plan.descriptor;
    const int lane_groups = d.lanes / (d.weights_pass ? r.pe_rows : r.pe_depth);
    if (lane_groups == 0) return;  // the nest of a pass that sums nothing isn't run
    EXPECT_EQ(plan::run_nest(d).steps, d.window * lane_groups * (d.vectors * 16 / r.pe_columns) * d.image_groups * plan.walked);
    if (!plan.scatters) {
      EXPECT_EQ(plan.walked, d.rows * d.columns);
    }
  });
}

// Units share out all tiles and none twice.
TEST_P(MultiplyPlanTest, UnitsShareTheWork) {
  for_each_plan([](const plan::MultiplyPlan& plan, const plan::Recipe& r) {
    const multiply_descriptor& d = plan.descriptor;
    const int image_banks = d.weights_pass ? r.pe_depth : r.pe_rows;
    ASSERT_FALSE(plan.units.empty());
    ASSERT_LE(int(plan.units.size()), r.compute_units);
    long tiles = 0;
    for (const multiply_range& u : plan.units) {
      tiles += long(u.group_end - u.group_begin) * (u.column_end - u.column_begin) * (u.image_end - u.image_begin) *
               (u.row_end - u.row_begin) * (u.width_end - u.width_begin);
      EXPECT_LE(u.dst_offset, (plan.partials - 1) * long(plan.packed_floats));
    }
    const multiply_range& last = plan.units.back();
    EXPECT_EQ(tiles, long(last.group_end) * last.column_end * last.image_end * last.row_end * last.width_end);
    EXPECT_GE(last.column_end * d.vectors * 16, d.group_columns);
    EXPECT_GE(last.image_end * d.image_groups * image_banks, d.images);
    EXPECT_GE(last.row_end * d.rows, d.output_height);
    EXPECT_GE(last.width_end * d.columns, d.output_width);
  });
}

// The gradient of a convolution without padding: of what its outputs gather, half and more are zeros.
TEST_P(MultiplyPlanTest, GradientsBeyondTheSourceAreScattered) {
  const plan::Recipe r = recipe(GetParam());
  const plan::PassPlan data = plan_convolution(r, parse_convolution("n64g1c20h12w12o50kh5kw5sh1sw1ph0pw0dh1dw1")).data.back();
  EXPECT_TRUE(data.plan.scatters);
  EXPECT_EQ(data.plan.walked, 8 * 8);
  const plan::PassPlan same = plan_convolution(r, parse_convolution("n64g1c20h12w12o50kh5kw5sh1sw1ph2pw2dh1dw1")).data.back();
  EXPECT_FALSE(same.plan.scatters) << "its outputs lie within the source";
}

TEST_P(MultiplyPlanTest, LargeLayersFillTheGrid) {
  const plan::Recipe r = recipe(GetParam());
  for (const plan::PassPlan& pass : plan_convolution(r, parse_convolution("n64g1c256h13w13o384kh3kw3sh1sw1ph1pw1dh1dw1")).passes())
    EXPECT_GT(pass.plan.utilization, 0.5) << pass.pass.name;
}

// Between the few outputs that a tile needs for the accumulators' distance lie as many strides, more than x has room for.
TEST_P(MultiplyPlanTest, RefusesAShapeOfWhichNoTileFits) {
  const plan::Recipe r = recipe(GetParam());
  try {
    plan_convolution(r, parse_convolution("n1g1c1h5w5o2kh5kw5sh4000sw1ph0pw0dh1dw1"));
    FAIL() << "a stride of 4000 was accepted";
  } catch (const plan::Unsupported& error) {
    EXPECT_EQ(error.what(), "PE array of recipe '" + r.name + "': no tile of a 5x5 kernel fits x_words " +
                                std::to_string(r.x_words) + "; enlarge x_words in the recipe");
  }
}

TEST_P(MultiplyPlanTest, RefusesAShapeWithoutOutput) {
  EXPECT_THROW(plan_convolution(recipe(GetParam()), parse_convolution("n1g1c1h3w3o1kh5kw5sh1sw1ph0pw0dh1dw1")), plan::Unsupported);
}

TEST(RunNest, CountsRevisits) {
  multiply_descriptor d = {};
  for (int& count : d.count) count = 1;
  d.count[5] = 3;  // three rounds over
  d.count[6] = 4;  // four accumulators
  d.acc_stride[6] = 2;
  const plan::NestReport nest = plan::run_nest(d);
  EXPECT_EQ(nest.steps, 12);
  EXPECT_EQ(nest.revisit_distance, 4);
  EXPECT_EQ(nest.acc_words, 7);
}

INSTANTIATE_TEST_SUITE_P(Recipes, MultiplyPlanTest, ::testing::ValuesIn(recipe_names()), [](const auto& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace barista::testing
