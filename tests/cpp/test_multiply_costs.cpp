// What plans say that passes cost, against what the formulas ask for, for the recipes of bitstreams/ and the shared shapes. That
// the kernels do as many steps, loads and stores is for a device to show. No device.
#include "plan/multiply_costs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "plan/convolution_plan.hpp"
#include "plan/unsupported.hpp"
#include "support/recipes.hpp"
#include "support/reference_multiply.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

using plan::Cost;
using plan::PassCost;

Cost of(const std::vector<PassCost>& costs, const std::string& pass) {
  for (const PassCost& cost : costs)
    if (cost.pass == pass) return cost.cost;
  ADD_FAILURE() << "no pass " << pass;
  return {};
}

template <typename Shape>
std::int64_t count_products(const Shape& shape) {
  std::int64_t count = 0;
  for_each_product(shape, [&](std::size_t, std::size_t, std::size_t) { count++; });
  return count;
}

// Calls check(costs, sizes, products, recipe) for every shared problem and recipe.
template <typename Check>
void for_each_problem(const Check& check) {
  const auto each = [&](const auto& problems) {
    for (const auto& problem : problems) {
      const std::int64_t products = count_products(problem.shape);
      for (const std::string& name : recipe_names()) {
        SCOPED_TRACE(problem.name + " " + problem.text + ", " + name);
        const plan::Recipe r = recipe(name);
        check(plan::costs(r, problem.shape), sizes(problem.shape), products, r);
      }
    }
  };
  each(convolution_problems());
  each(inner_product_problems());
}

TEST(MultiplyCostsTest, EveryProductCountsOnceInEachPass) {
  for_each_problem([](const std::vector<PassCost>& costs, const Sizes&, std::int64_t products, const plan::Recipe&) {
    for (const char* pass : {"forward", "backward data", "backward weights"}) EXPECT_EQ(of(costs, pass).multiply_adds, products);
  });
}

// No unit, phase or tile stores an output that another one stores too.
TEST(MultiplyCostsTest, EveryOutputIsStoredOnce) {
  for_each_problem([](const std::vector<PassCost>& costs, const Sizes& size, std::int64_t, const plan::Recipe&) {
    EXPECT_EQ(of(costs, "forward").stored, std::int64_t(size.dst));
    EXPECT_EQ(of(costs, "backward data").stored, std::int64_t(size.src));
    EXPECT_GE(of(costs, "backward weights").stored, std::int64_t(size.weights + size.outputs));
  });
}

// Each unit's processing elements multiply in a step at most.
TEST(MultiplyCostsTest, StepsAreEnoughForTheProducts) {
  for_each_problem([](const std::vector<PassCost>& costs, const Sizes&, std::int64_t products, const plan::Recipe& r) {
    const std::int64_t elements = std::max<std::int64_t>(r.pe_rows * r.pe_columns * r.pe_depth, 3 * r.lanes);
    for (const char* pass : {"forward", "backward data", "backward weights"}) EXPECT_GE(of(costs, pass).steps * elements, products);
  });
}

// Weights are packed by as many launches for one pass as for both, and the passes' costs add up.
TEST(MultiplyCostsTest, PackingForwardIsPartOfPackingAll) {
  int packed = 0;
  for_each_problem([&](const std::vector<PassCost>& costs, const Sizes& size, std::int64_t, const plan::Recipe& r) {
    for (const PassCost& cost : costs)
      if (cost.pass == "pack weights for forward") {
        packed++;
        EXPECT_EQ(cost.cost.loaded, std::int64_t(size.weights));
        EXPECT_LE(cost.cost.steps, of(costs, "pack weights").steps);
        EXPECT_LE(of(costs, "pack weights").launches, r.compute_units);
      }
  });
  EXPECT_GT(packed, 0);
}

// Beside its own launches: where gradients are packed they are added up by the same ones as the bias's.
TEST(MultiplyCostsTest, ABiasIsReadOrAddedUp) {
  const plan::ConvolutionShape s = parse_convolution("n64g1c256h13w13o384kh3kw3sh1sw1ph1pw1dh1dw1");
  for (const std::string& name : recipe_names()) {
    const plan::Recipe r = recipe(name);
    const std::vector<PassCost> with = plan::costs(r, s), without = plan::costs(r, s, false);
    EXPECT_GE(of(with, "forward").loaded, of(without, "forward").loaded + s.O);
    EXPECT_EQ(of(with, "forward").steps, of(without, "forward").steps);
    EXPECT_EQ(of(with, "backward data").loaded, of(without, "backward data").loaded);
    const std::int64_t diff_dst = std::int64_t(s.N) * s.O * s.P() * s.Q();
    EXPECT_EQ(of(with, "backward weights").loaded, of(without, "backward weights").loaded + diff_dst);
    EXPECT_EQ(of(with, "backward weights").stored, of(without, "backward weights").stored + s.O);
    EXPECT_EQ(of(with, "backward weights").launches, of(without, "backward weights").launches);
  }
}

// But for the bias, which is the image's and not the features'.
TEST(MultiplyCostsTest, ADeconvolutionIsItsConvolutionTheOtherWayRound) {
  for (const auto& problem : convolution_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    const plan::Recipe r = recipe("emulator");
    const std::vector<PassCost> convolution = plan::costs(r, problem.shape, false),
                                deconvolution = plan::deconvolution_costs(r, problem.shape, false);
    const auto expect_equal = [&](const char* pass, const char* of_convolution) {
      const Cost found = of(deconvolution, pass), expected = of(convolution, of_convolution);
      EXPECT_EQ(found.launches, expected.launches);
      EXPECT_EQ(found.steps, expected.steps);
      EXPECT_EQ(found.loaded, expected.loaded);
      EXPECT_EQ(found.stored, expected.stored);
      EXPECT_EQ(found.multiply_adds, expected.multiply_adds);
    };
    expect_equal("forward", "backward data");
    expect_equal("backward data", "forward");
    expect_equal("backward weights", "backward weights");
    EXPECT_EQ(of(plan::deconvolution_costs(r, problem.shape), "backward weights").stored,
              of(deconvolution, "backward weights").stored + problem.shape.C);
  }
}

TEST(MultiplyCostsTest, RefusesWhatNoPlanTakes) {
  const plan::Recipe r = recipe("emulator");
  for (const char* text : {"n1g1c1h3w3o1kh5kw5sh1sw1ph0pw0dh1dw1", "n1g2c2h3w3o2kh5kw5sh1sw1ph0pw0dh1dw1",
                           "n1g1c1h5w5o2kh5kw5sh4000sw1ph0pw0dh1dw1"}) {
    EXPECT_THROW(plan::costs(r, parse_convolution(text)), plan::Unsupported) << text;
    EXPECT_THROW(plan::deconvolution_costs(r, parse_convolution(text)), plan::Unsupported) << text;
  }
}

}  // namespace
}  // namespace barista::testing
