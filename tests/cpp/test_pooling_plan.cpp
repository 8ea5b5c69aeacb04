// What pooling's plans promise the kernels and no emulator checks, on every shared shape, for the recipes of bitstreams/ and for larger
// and smaller ones: every result is made once, every tap finds its source among the words that were loaded, memories suffice, and a
// sum rests long enough.
#include "plan/pooling.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "plan/unsupported.hpp"
#include "support/pooling_problems.hpp"
#include "support/recipes.hpp"

namespace barista::testing {
namespace {

using plan::PoolingPass;
using plan::PoolingShape;

// Runs `check` on every plan of every recipe; `fitting` counts the shapes that a recipe has room for.
template <typename Check>
void for_every_pass(const Check& check) {
  for (const plan::Recipe& r : plan_recipes()) {
    int fitting = 0;
    for (const auto& problem : pooling_problems()) {
      SCOPED_TRACE(problem.name + " " + problem.text + ", recipe " + r.name + " of " + std::to_string(r.acc_words) + " words");
      const PoolingShape& s = problem.shape.shape;
      plan::PoolingPlan plan;
      try {
        plan = plan::plan_pooling(r, s, problem.shape.method);
      } catch (const plan::Unsupported&) {
        continue;
      }
      fitting++;
      check(r, s, plan.forward, false);
      check(r, s, plan.backward, true);
      if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GE(fitting, r.acc_words < 100 ? 150 : static_cast<int>(pooling_problems().size()));
  }
}

TEST(PoolingPlanTest, EveryResultIsMadeOnceByOneUnit) {
  for_every_pass([](const plan::Recipe& r, const PoolingShape& s, const PoolingPass& pass, bool backward) {
    const int width = backward ? s.W : s.Q, height = backward ? s.H : s.P;
    std::vector<int> made(static_cast<std::size_t>(width) * height);
    int parts_end = 0;
    for (const pooling_tile& t : pass.tiles) {
      ASSERT_EQ(t.first != 0, parts_end == 0) << "parts of a tile follow each other";
      parts_end = t.last ? 0 : 1;
      ASSERT_EQ(t.result_runs * t.result_run, t.rows * t.columns);
      if (!t.last) continue;
      for (int run = 0; run < t.result_runs; run++)
        for (int word = 0; word < t.result_run; word++) made.at(t.result_offset + run * width + word)++;
    }
    ASSERT_EQ(parts_end, 0);
    ASSERT_EQ(made, std::vector<int>(made.size(), 1));

    ASSERT_LE(static_cast<int>(pass.units.size()), r.compute_units);
    const int planes = s.N * s.C;
    std::vector<int> worked(static_cast<std::size_t>(planes) * pass.tiles.size());
    for (const pooling_range& unit : pass.units) {
      ASSERT_EQ(unit.plane_begin % (r.lanes * pass.problem.planes_per_lane), 0);
      ASSERT_TRUE(pass.tiles.at(unit.tile_begin).first && pass.tiles.at(unit.tile_end - 1).last) << "a unit does whole tiles";
      for (int plane = unit.plane_begin; plane < unit.plane_end; plane++)
        for (int i = unit.tile_begin; i < unit.tile_end; i++) worked.at(static_cast<std::size_t>(plane) * pass.tiles.size() + i)++;
    }
    ASSERT_EQ(worked, std::vector<int>(worked.size(), 1));
  });
}

TEST(PoolingPlanTest, MemoriesSufficeAndSumsRest) {
  for_every_pass([](const plan::Recipe& r, const PoolingShape&, const PoolingPass& pass, bool) {
    for (const pooling_tile& t : pass.tiles) {
      const int planes = pass.problem.planes_per_lane;
      ASSERT_LE(planes * t.source_runs * t.source_run, r.acc_words) << "source";
      ASSERT_LE(planes * t.rows * t.columns, r.acc_words) << "results";
      ASSERT_GE(t.steps, t.columns);
      ASSERT_GE(planes * t.rows * t.steps, r.acc_distance) << "steps from one tap to the next";
    }
  });
}

// The source, as an index into a plane, of a word that was loaded.
int loaded(const pooling_tile& t, int address, int source_width) {
  return t.source_offset + address / t.source_run * source_width + address % t.source_run;
}

bool is_loaded(const pooling_tile& t, int address) { return address >= 0 && address < t.source_runs * t.source_run; }

TEST(PoolingPlanTest, EveryTapFindsItsSource) {
  for_every_pass([](const plan::Recipe&, const PoolingShape& s, const PoolingPass& pass, bool backward) {
    const int taps_h = backward ? (s.KH + s.SH - 1) / s.SH : s.KH, taps_w = pass.problem.taps_w;
    ASSERT_EQ(taps_w, backward ? (s.KW + s.SW - 1) / s.SW : s.KW);
    long taps_seen = 0;
    for (const pooling_tile& t : pass.tiles)
      for (int r = 0; r < t.rows; r++)
        for (int c = 0; c < t.columns; c++)
          for (int tap_row = t.tap_begin; tap_row < t.tap_end; tap_row++)
            for (int tap = 0; tap < taps_w; tap++) {
              taps_seen++;
              const int result_row = t.result_offset / (backward ? s.W : s.Q) + r;
              const int result_column = t.result_offset % (backward ? s.W : s.Q) + c;
              int row, column, address;
              if (backward) {
                // Windows that begin at or before the result, counted down.
                row = (result_row + s.PH) / s.SH - tap_row;
                column = (result_column + s.PW) / s.SW - tap;
                const int rows_down = (t.phase_row + r) / s.SH, columns_right = (t.phase_column + c) / s.SW;
                ASSERT_EQ(row, t.row - tap_row + rows_down);
                ASSERT_EQ(column, t.column - tap + columns_right);
                ASSERT_EQ((result_row + s.PH) % s.SH, (t.phase_row + r) % s.SH);
                ASSERT_EQ((result_column + s.PW) % s.SW, (t.phase_column + c) % s.SW);
                address = t.address + (rows_down - tap_row) * t.pitch + columns_right - tap;
                const bool covers = result_row + s.PH - row * s.SH < s.KH && result_column + s.PW - column * s.SW < s.KW;
                if (!covers || row < 0 || row >= s.P || column < 0 || column >= s.Q) continue;
              } else {
                row = result_row * s.SH - s.PH + tap_row;
                column = result_column * s.SW - s.PW + tap;
                ASSERT_EQ(row, t.row + tap_row - t.tap_begin + r * s.SH);
                ASSERT_EQ(column, t.column + tap + c * s.SW);
                address = t.address + (tap_row - t.tap_begin + r * s.SH) * t.pitch + tap + c * s.SW;
                if (row < 0 || row >= s.H || column < 0 || column >= s.W) continue;
              }
              const int source_width = backward ? s.Q : s.W;
              ASSERT_TRUE(is_loaded(t, address));
              ASSERT_EQ(loaded(t, address, source_width), row * source_width + column);
            }
    ASSERT_EQ(taps_seen, static_cast<long>(taps_h) * taps_w * (backward ? s.H * s.W : s.P * s.Q)) << "every tap of every result";
  });
}

// Parts that add up, as those of an average, and as many that choose: with the same results, taps and source.
TEST(PoolingPlanTest, AStochasticTileIsSummedUpAndThenChosenFrom) {
  int tiles_in_parts = 0;
  for (const plan::Recipe& r : plan_recipes())
    for (const auto& problem : pooling_problems()) {
      const PoolingShape s = unpadded(problem.shape);
      if (s.P < 1 || s.Q < 1) continue;
      plan::PoolingPlan stochastic, average;
      try {
        average = plan::plan_pooling(r, s, plan::PoolingMethod::kAverage);
      } catch (const plan::Unsupported&) {
        continue;
      }
      SCOPED_TRACE(problem.name + " " + problem.text + ", recipe " + r.name + " of " + std::to_string(r.acc_words) + " words");
      stochastic = plan::plan_pooling(r, s, plan::PoolingMethod::kStochastic);
      ASSERT_EQ(stochastic.forward.tiles.size(), 2 * average.forward.tiles.size());
      std::size_t at = 0;
      for (std::size_t first = 0, end; first < average.forward.tiles.size(); first = end) {
        for (end = first + 1; average.forward.tiles[end - 1].last == 0;) end++;
        tiles_in_parts += end - first > 1 ? 1 : 0;
        for (const bool choose : {false, true})
          for (std::size_t i = first; i < end; i++) {
            pooling_tile expected = average.forward.tiles[i];
            expected.choose = choose ? 1 : 0;
            expected.last = choose ? expected.last : 0;
            expected.load = !choose || end - first > 1 ? 1 : 0;
            ASSERT_EQ(std::memcmp(&stochastic.forward.tiles[at++], &expected, sizeof expected), 0) << "part " << i;
          }
      }
      ASSERT_EQ(stochastic.forward.units.size(), average.forward.units.size());
      for (std::size_t unit = 0; unit < average.forward.units.size(); unit++) {
        EXPECT_EQ(stochastic.forward.units[unit].tile_begin, 2 * average.forward.units[unit].tile_begin);
        EXPECT_EQ(stochastic.forward.units[unit].tile_end, 2 * average.forward.units[unit].tile_end);
      }
    }
  EXPECT_GT(tiles_in_parts, 10);
}

}  // namespace
}  // namespace barista::testing
