// Deconvolution on the device against its formula: the shared convolutions, transposed.
#include "ops/deconvolution.hpp"

#include "support/device_fixture.hpp"
#include "support/multiply_tests.hpp"
#include "support/shapes.hpp"

namespace barista::testing {
namespace {

// A convolution's shape, read as the deconvolution that transposes it: the products are the same, src and dst change places.
struct Transposed {
  ops::ConvolutionShape convolution;
  operator const ops::ConvolutionShape&() const { return convolution; }  // NOLINT(google-explicit-constructor)
};

template <typename Term>
void for_each_product(const Transposed& s, const Term& term) {
  barista::testing::for_each_product(s.convolution,
                                     [&](std::size_t dst, std::size_t weights, std::size_t src) { term(src, weights, dst); });
}

Sizes sizes(const Transposed& s) {
  const Sizes size = barista::testing::sizes(s.convolution);
  return {size.dst, size.weights, size.src, s.convolution.N, s.convolution.C, s.convolution.H * s.convolution.W};
}

using DeconvolutionTest = DeviceTest;

TEST_F(DeconvolutionTest, EveryPassEqualsItsFormula) {
  for (const auto& problem : convolution_problems()) {
    SCOPED_TRACE(problem.name + " " + problem.text);
    check_against_formula<ops::Deconvolution>(program(), Transposed{problem.shape});
    if (HasFatalFailure()) return;
  }
}

// A pass of several phases, one job each.
TEST_F(DeconvolutionTest, RectifiesInTheStore) {
  check_rectifies_in_the_store<ops::Deconvolution>(program(),
                                                   Transposed{parse_convolution("n3g1c18h9w8o5kh3kw3sh2sw2ph1pw1dh1dw1")});
}

}  // namespace
}  // namespace barista::testing
