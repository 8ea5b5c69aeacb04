#include "plan/loop_nest.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace barista::plan {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// Of a cache of the emulator's processor.
constexpr int kLine = 16;                   // elements that it fetches at once
constexpr double kLines = 512;              // that the nearest one has
constexpr double kMiss = 2, kRestart = 16;  // cycles

// The search for the inner parts of the loops over accumulators.
class InnerParts {
 public:
  InnerParts(const Recipe& recipe, const std::vector<Loop>& accumulators, const std::vector<Loop>& terms)
      : recipe_(recipe), accumulators_(accumulators), terms_(terms), parts_(accumulators.size(), 1) {}

  // Iterations of each loop's inner part; none where there is no such nest.
  std::vector<int> best() {
    choose(0);
    return best_;
  }

 private:
  void choose(std::size_t i) {
    if (i == parts_.size()) {
      const double cost = lost_cycles();
      if (best_.empty() ? cost < kNever : cost < least_) {
        least_ = cost;
        best_ = parts_;
      }
      return;
    }
    for (int part = 1; part <= accumulators_[i].count; part++)
      if (accumulators_[i].count % part == 0) {
        parts_[i] = part;
        choose(i + 1);
      }
  }

  // Per iteration.
  double lost_cycles() const {
    double steps = 1, vec = 1, x = 1, innermost = 1;
    int loops = 0;
    for (const Loop& term : terms_) loops += term.count > 1;
    for (std::size_t i = 0; i < parts_.size(); i++) {
      const Loop& loop = accumulators_[i];
      const int part = parts_[i];
      loops += (part > 1) + (loop.count > part);
      steps *= part;
      if (loop.vec != 0) vec *= part;
      if (loop.vec == 0) innermost = std::max(innermost, double(part));
      x *= 1 + (part - 1) * std::min(1.0, double(loop.x) / kLine);
    }
    if (steps < recipe_.acc_distance || loops > MULTIPLY_LOOPS) return kNever;
    // Each term reads other words of x and vec; the accumulators stay, if there is room for them.
    const double word_lines = double(recipe_.pe_columns) / kLine, accumulators = steps * recipe_.pe_rows * word_lines,
                 others = (vec * word_lines + x * recipe_.pe_rows) * recipe_.pe_depth;
    const double lines = accumulators + others;
    return kMiss * std::max(0.0, lines - kLines) / steps + kRestart / innermost;
  }

  const Recipe& recipe_;
  const std::vector<Loop>& accumulators_;
  const std::vector<Loop>& terms_;
  std::vector<int> parts_, best_;
  double least_ = kNever;
};

}  // namespace

bool write_loops(const std::vector<Loop>& loops, multiply_descriptor& d) {
  std::vector<Loop> kept;
  for (const Loop& loop : loops) {
    if (loop.count == 1) continue;
    if (!kept.empty()) {
      Loop& outer = kept.back();
      const bool joined =
          outer.x == loop.count * loop.x && outer.acc == loop.count * loop.acc && outer.vec == loop.count * loop.vec;
      if (joined) {
        outer = {outer.count * loop.count, loop.x, loop.acc, loop.vec};
        continue;
      }
    }
    kept.push_back(loop);
  }
  if (kept.empty() || kept.back().vec != 0) kept.push_back({1, 0, 0, 0});  // the innermost loop never moves vec
  if (kept.size() > MULTIPLY_LOOPS) return false;
  kept.insert(kept.begin(), MULTIPLY_LOOPS - kept.size(), Loop{1, 0, 0, 0});
  for (int i = 0; i < MULTIPLY_LOOPS; i++) {
    d.count[i] = kept[i].count;
    d.x_stride[i] = kept[i].x;
    d.acc_stride[i] = kept[i].acc;
    d.vec_stride[i] = kept[i].vec;
  }
  return true;
}

bool write_nest(const Recipe& recipe, const std::vector<Loop>& accumulators, const std::vector<Loop>& terms,
                multiply_descriptor& d) {
  const std::vector<int> parts = InnerParts(recipe, accumulators, terms).best();
  if (parts.empty()) return false;
  std::vector<Loop> loops, inner;
  for (std::size_t i = 0; i < accumulators.size(); i++) {
    const Loop& loop = accumulators[i];
    const int part = parts[i];
    loops.push_back({loop.count / part, part * loop.x, part * loop.acc, part * loop.vec});
    inner.push_back({part, loop.x, loop.acc, loop.vec});
  }
  loops.insert(loops.end(), terms.begin(), terms.end());
  // The longest is the innermost, which has no restart to pay.
  std::stable_sort(inner.begin(), inner.end(),
                   [](const Loop& a, const Loop& b) { return std::pair(a.vec == 0, a.count) < std::pair(b.vec == 0, b.count); });
  loops.insert(loops.end(), inner.begin(), inner.end());
  return write_loops(loops, d);
}

NestReport run_nest(const multiply_descriptor& d) {
  std::vector<int> last_step;
  NestReport report = {0, std::numeric_limits<int>::max(), 0, 0, 0};
  int at[MULTIPLY_LOOPS] = {};
  while (true) {
    int x = 0, vec = 0, acc = 0;
    for (int i = 0; i < MULTIPLY_LOOPS; i++) {
      x += at[i] * d.x_stride[i];
      vec += at[i] * d.vec_stride[i];
      acc += at[i] * d.acc_stride[i];
    }
    report.x_words = std::max(report.x_words, x + 1);
    report.vec_words = std::max(report.vec_words, vec + 1);
    report.acc_words = std::max(report.acc_words, acc + 1);
    if (acc >= int(last_step.size())) last_step.resize(acc + 1, -1);
    if (last_step[acc] >= 0) report.revisit_distance = std::min(report.revisit_distance, report.steps - last_step[acc]);
    last_step[acc] = report.steps++;
    int i = MULTIPLY_LOOPS - 1;
    while (i >= 0 && ++at[i] == d.count[i]) at[i--] = 0;
    if (i < 0) return report;
  }
}

}  // namespace barista::plan
