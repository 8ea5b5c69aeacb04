// Inner product on the device against its formula, over the shared shapes.
#include "ops/inner_product.hpp"

#include "support/device_fixture.hpp"
#include "support/multiply_tests.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

using InnerProductTest = DeviceTest;

TEST_F(InnerProductTest, EveryPassEqualsItsFormula) {
  for (const auto& problem : inner_product_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    check_against_formula<ops::InnerProduct>(program(), problem.shape);
    if (HasFatalFailure()) return;
  }
}

TEST_F(InnerProductTest, SameBitsOnEveryRun) {
  check_same_bits<ops::InnerProduct>(program(), parse_inner_product("n17k800o500t0"));
  check_same_bits<ops::InnerProduct>(program(), parse_inner_product("n40k129o33t1"));
}

TEST_F(InnerProductTest, FollowsItsWeights) {
  check_follows_weights<ops::InnerProduct>(program(), parse_inner_product("n3k50o20t0"));
  check_follows_weights<ops::InnerProduct>(program(), parse_inner_product("n3k50o20t1"));
}

TEST_F(InnerProductTest, RectifiesInTheStore) {
  check_rectifies_in_the_store<ops::InnerProduct>(program(), parse_inner_product("n11k129o33t0"));
}

}  // namespace
}  // namespace barista::testing
