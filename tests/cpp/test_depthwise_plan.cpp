// What depthwise convolution's plans promise the kernels and no emulator checks, for the recipes of bitstreams/ and for smaller
// and larger ones. A plan is gone through as the kernels do, for one plane: every result is the formula's, all that is read was
// written and lies in memory, and a sum rests long enough.
#include "plan/depthwise_plan.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "plan/unsupported.hpp"
#include "support/depthwise_problems.hpp"
#include "support/integers.hpp"
#include "support/recipes.hpp"
#include "support/reference_multiply.hpp"

namespace barista::testing {
namespace {

using plan::ConvolutionShape;
using plan::DepthwiseDirection;
using plan::DepthwisePass;
using Numbers = std::vector<double>;

constexpr int kLead = DEPTHWISE_TAPS - 1;
const double kUnwritten = std::numeric_limits<double>::quiet_NaN();

// The shape of one of its planes.
ConvolutionShape single(ConvolutionShape s) {
  s.N = s.C = s.O = s.G = 1;
  return s;
}

// On-chip memory, each access to which must be within it.
class Words {
 public:
  explicit Words(int size) : words_(size, kUnwritten) {}
  double& operator[](int i) { return words_.at(i); }
  void clear(int words) { std::fill_n(words_.begin(), words, 0.0); }

 private:
  Numbers words_;
};

void load(const Numbers& plane, int row, const depthwise_area& a, Words& x) {
  depthwise_place at = depthwise_first(a);
  for (int run = 0; run < a.runs; run++)
    for (int word = 0; word < a.run; word++) {
      if (depthwise_kept(at, a)) x[at.address] = plane.at(a.offset + run * row + word);
      at = depthwise_next(at, a);
    }
}

// Results are stored once each.
void store(Words& sums, int row, const depthwise_area& a, Numbers& plane) {
  depthwise_place at = depthwise_first(a);
  for (int run = 0; run < a.runs; run++)
    for (int word = 0; word < a.run; word++) {
      double& result = plane.at(a.offset + run * row + word);
      ASSERT_TRUE(std::isnan(result)) << "a result is stored twice";
      result = sums[at.address];
      at = depthwise_next(at, a);
    }
}

void sweep(const depthwise_sweep& v, Words& x, Words& taps, Words& sums, std::vector<long>& written, long& now, int distance) {
  for (int step = 0; step < v.steps; step++, now++) {
    const int i = step - kLead;
    if (i < 0 || i >= v.words) continue;
    double sum = v.first != 0 ? 0 : sums[v.result + i];
    ASSERT_TRUE(v.first != 0 || now - written.at(v.result + i) >= distance) << "a sum is visited too soon";
    for (int k = 0; k < v.taps; k++) sum += taps[v.weight + k * v.weight_step] * x[v.source + i + k];
    sums[v.result + i] = sum;
    written.at(v.result + i) = now;
  }
}

// The source's words in `x` stay from one call to the next, as they do from a plane to the next.
Numbers applied(const plan::Recipe& r, const DepthwisePass& pass, const Numbers& source, const Numbers& weights, int begin, int end,
                Words& x, bool& fresh, Numbers result) {
  const depthwise_problem& p = pass.problem;
  Words taps(r.acc_words / 4), sums(r.acc_words);
  for (int i = begin; i < end; i++) {
    const depthwise_part& t = pass.parts.at(i);
    if (i == begin || t.load_weights != 0)
      for (int run = 0; run < t.weights_runs; run++)
        for (int word = 0; word < t.weights_run; word++)
          taps[run * t.weights_run + word] = weights.at(t.weights_offset + run * p.kernel_row + word);
    if (fresh || t.clear != 0) x.clear(p.source_words);
    fresh = false;
    load(source, p.source_row, t.source, x);
    std::vector<long> written(r.acc_words, std::numeric_limits<int>::min());
    long now = 0;
    for (int s = t.sweep_begin; s < t.sweep_end; s++) sweep(pass.sweeps.at(s), x, taps, sums, written, now, r.acc_distance);
    if (t.last != 0) store(sums, p.result_row, t.result, result);
  }
  return result;
}

Numbers gradient(const plan::Recipe& r, const DepthwisePass& pass, const Numbers& src, const Numbers& diff_dst, int images) {
  const depthwise_problem& p = pass.problem;
  Numbers gradients(p.kernel_plane, kUnwritten);
  Words x(r.acc_words);
  for (int first = 0; first < p.parts; first += p.tiles) {
    const depthwise_part& kernel_part = pass.parts.at(first);
    std::vector<Words> partials(DEPTHWISE_TAPS, Words(r.acc_words / 2));
    for (Words& bank : partials) bank.clear(kernel_part.chunks * DEPTHWISE_PARTIALS);
    int turn = 0;
    for (int image = 0; image < images; image++)
      for (int tile = 0; tile < p.tiles; tile++) {
        const depthwise_part& t = pass.parts.at(first + tile);
        if (t.clear != 0 || (tile == 0 && image == 0)) x.clear(p.source_words);
        Words diff(r.acc_words);
        load(src, p.source_row, t.source, x);
        load(diff_dst, p.result_row, t.result, diff);
        for (int s = t.sweep_begin; s < t.sweep_end; s++) {
          const depthwise_sweep& v = pass.sweeps.at(s);
          for (int step = 0; step < v.steps; step++) {
            const int i = step - kLead;
            if (i >= 0 && i % p.pitch < v.columns)
              for (int k = 0; k < v.taps; k++) partials[k][v.weight + turn] += diff[v.result + i] * x[v.source + i + k];
            turn = (turn + 1) % DEPTHWISE_PARTIALS;
          }
          x[v.source + v.steps - 1];  // the last that a step reads
        }
      }
    depthwise_tap tap = {};
    for (int run = 0; run < kernel_part.weights_runs; run++)
      for (int word = 0; word < kernel_part.weights_run; word++) {
        double total = 0;
        for (int i = 0; i < DEPTHWISE_PARTIALS; i++)
          total += partials.at(tap.bank)[(tap.chunk + tap.tap_class) * DEPTHWISE_PARTIALS + i];
        gradients.at(kernel_part.weights_offset + run * p.kernel_row + word) = total;
        tap = depthwise_next_tap(tap, kernel_part);
      }
  }
  return gradients;
}

Numbers numbers(std::size_t count, std::uint32_t seed) {
  const std::vector<float> values = integers(count, seed);
  return {values.begin(), values.end()};
}

// Runs `check(recipe, shape)` for every recipe and shape but those of too many parts.
template <typename Check>
void for_every_problem(const Check& check) {
  for (const plan::Recipe& r : plan_recipes())
    for (const std::string& text : depthwise_problems()) {
      const ConvolutionShape s = parse_depthwise(text);
      if (r.acc_words < 100 && (s.KH * s.KW > 100 || s.H * s.W > 2000)) continue;
      SCOPED_TRACE(text + ", recipe " + r.name + " of " + std::to_string(r.acc_words) + " words");
      check(r, s);
      if (::testing::Test::HasFailure()) return;
    }
}

TEST(DepthwisePlanTest, EveryResultIsOfAllItsTaps) {
  for_every_problem([](const plan::Recipe& r, const ConvolutionShape& shape) {
    const ConvolutionShape s = single(shape);
    const Numbers src = numbers(sizes(s).src, 1), weights = numbers(sizes(s).weights, 2), diff = numbers(sizes(s).dst, 3);
    Numbers dst(sizes(s).dst), diff_src(sizes(s).src), diff_weights(sizes(s).weights);
    for_each_product(s, [&](std::size_t x, std::size_t w, std::size_t d) {
      dst[d] += src[x] * weights[w];
      diff_src[x] += diff[d] * weights[w];
      diff_weights[w] += 2 * diff[d] * src[x];
    });
    for (const auto direction : {DepthwiseDirection::kForward, DepthwiseDirection::kBackwardData}) {
      const bool forward = direction == DepthwiseDirection::kForward;
      const DepthwisePass pass = plan_depthwise(r, shape, direction);
      const int parts = static_cast<int>(pass.parts.size());
      Words x(r.acc_words);
      bool fresh = true;
      for (int plane = 0; plane < 2; plane++) {  // the second finds what the first left
        const Numbers nothing(forward ? dst.size() : diff_src.size(), kUnwritten);
        ASSERT_EQ(applied(r, pass, forward ? src : diff, weights, 0, parts, x, fresh, nothing), forward ? dst : diff_src);
      }
    }
    ASSERT_EQ(gradient(r, plan_depthwise(r, shape, DepthwiseDirection::kBackwardWeights), src, diff, 2), diff_weights);
  });
}

TEST(DepthwisePlanTest, UnitsShareAllParts) {
  for_every_problem([](const plan::Recipe& r, const ConvolutionShape& s) {
    for (const auto direction :
         {DepthwiseDirection::kForward, DepthwiseDirection::kBackwardData, DepthwiseDirection::kBackwardWeights}) {
      const DepthwisePass pass = plan_depthwise(r, s, direction);
      const bool weights = direction == DepthwiseDirection::kBackwardWeights;
      const int parts = static_cast<int>(pass.parts.size()), groups = ((weights ? s.C : s.N * s.C) + r.lanes - 1) / r.lanes;
      ASSERT_EQ(parts, pass.problem.parts);
      ASSERT_LE(pass.units.size(), r.compute_units);
      int end = 0;
      for (const depthwise_range& unit : pass.units) {
        ASSERT_EQ(unit.begin, end);
        ASSERT_LT(unit.begin, unit.end);
        ASSERT_TRUE(weights || unit.begin % (pass.problem.parts / pass.problem.tiles) == 0) << "a tile is cut";
        end = unit.end;
      }
      ASSERT_EQ(end, weights ? groups : groups * parts);
    }
  });
}

// What the loads of MobileNet's layers cost is the greater part: whole planes where they fit, bands of whole rows where they
// don't.
TEST(DepthwisePlanTest, TilesAreAsLargeAsTheyCanBe) {
  const plan::Recipe r = made_up_recipe(2, 1024, 64);
  const auto tiles = [&](const char* text) {
    return plan_depthwise(r, parse_depthwise(text), DepthwiseDirection::kForward).problem.tiles;
  };
  EXPECT_EQ(tiles("n1c512h14w14kh3kw3sh1sw1ph1pw1dh1dw1"), 1);
  EXPECT_EQ(tiles("n1c256h28w28kh3kw3sh1sw1ph1pw1dh1dw1"), 1);
  EXPECT_LE(tiles("n1c128h56w56kh3kw3sh1sw1ph1pw1dh1dw1"), 4);
  EXPECT_LE(tiles("n1c32h112w112kh3kw3sh1sw1ph1pw1dh1dw1"), 19);
}

TEST(DepthwisePlanTest, RefusesARecipeWithoutRoom) {
  try {
    plan_depthwise(made_up_recipe(1, 3, 3), parse_depthwise("n1c2h9w9kh3kw3sh1sw1ph1pw1dh1dw1"), DepthwiseDirection::kForward);
    FAIL() << "a recipe of three words was accepted";
  } catch (const plan::Unsupported& error) {
    EXPECT_STREQ(error.what(),
                 "depthwise convolution of 1x2x9x9, kernel 3x3: the bitstream has no room for one weight and one result; its "
                 "acc_words is 3");
  }
}

}  // namespace
}  // namespace barista::testing
