#include "plan/channels.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "plan/ranges.hpp"
#include "plan/units.hpp"

namespace barista::plan {
namespace {

constexpr int kRow = 4096;             // words of a row that a unit takes, where there is one channel
constexpr std::int64_t kPartials = 8;  // CHANNEL_PARTIALS, in which sums take turns

int count_of(const ChannelShape& s) { return std::max(s.outer, 0) * std::max(s.channels, 0) * std::max(s.inner, 0); }

// One channel of several planes is one plane, or as many as are wanted: its words lie side by side.
channel_shape described(const ChannelShape& s, int longest_of_one) {
  const int count = count_of(s);
  if (s.channels != 1) return {s.outer, s.channels, s.inner, s.channels * s.inner, count};
  const int words = std::min(count, longest_of_one);
  return {ceil_div(count, words), 1, words, words, count};
}

// Rows are planes, or channels, or vectors of channels where inner is 1.
std::vector<channel_range> shared_out(const Recipe& recipe, const channel_shape& s, int rows) {
  const int channels_a_row = s.inner == 1 ? recipe.lanes : 1, row_words = channels_a_row * s.inner;
  std::vector<channel_range> units;
  for (const UnitRange& part : share_out(rows, units_for(recipe, s.count)))
    units.push_back({part.begin, part.end, part.begin * channels_a_row % s.channels, part.begin * row_words, part.end * row_words});
  return units;
}

// Elements read of `words` that lie side by side in rows of `row`, a row's vectors whole where all words that there are let them be.
std::int64_t read_whole(std::int64_t words, int row, int lanes) {
  const std::int64_t row_words = std::int64_t{ceil_div(row, lanes)} * lanes, rows = (words + row - 1) / row;
  std::int64_t all = rows * row_words;
  for (std::int64_t i = rows - 1; i >= 0 && words - i * row < row_words; i--) all -= row_words - (words - i * row);
  return all;
}

// The same of LANES channels a vector, by images: a vector at an image's end is read into the next one.
std::int64_t read_of_channels(const channel_shape& s, int lanes) {
  const int vectors = ceil_div(s.channels, lanes), last = (vectors - 1) * lanes;
  std::int64_t all = std::int64_t{s.outer} * vectors * lanes;
  for (int image = s.outer - 1; image >= 0; image--) {
    const std::int64_t left = std::int64_t{s.outer - image} * s.channels - last;  // from the last vector's beginning on
    if (left >= lanes) break;
    all -= lanes - left;
  }
  return all;
}

// Elements read of numbers a channel, LANES from each row's (first) channel on, by the rows of one image.
std::int64_t numbers_read(const channel_shape& s, int lanes) {
  if (s.inner == 1) return s.channels;
  const std::int64_t ragged = std::min(s.channels, lanes - 1);
  return (s.channels - ragged) * lanes + ragged * (ragged + 1) / 2;
}

std::int64_t how_many(int options, std::initializer_list<int> wanted) {
  return std::count_if(wanted.begin(), wanted.end(), [&](int option) { return (options & option) != 0; });
}

Cost affine_cost(const ChannelPass& pass, int lanes) {
  const channel_shape& s = pass.shape;
  const std::int64_t tensors = 1 + how_many(pass.options, {CHANNEL_OTHER});
  Cost cost = {};
  if (s.inner == 1) {
    cost.steps = std::int64_t{s.outer} * ceil_div(s.channels, lanes);
    cost.loaded = tensors * s.count;
  } else {
    const std::int64_t planes = std::int64_t{s.outer} * s.channels;
    const int last = s.count - static_cast<int>(planes - 1) * s.inner;  // which may be cut short
    cost.steps = (planes - 1) * ceil_div(s.inner, lanes) + ceil_div(last, lanes);
    for (const channel_range& unit : pass.units)
      cost.loaded += tensors * read_whole(std::min(s.count, unit.end_word) - unit.word, s.inner, lanes);
  }
  const std::int64_t images = s.inner == 1 ? 1 : s.outer;
  cost.loaded +=
      how_many(pass.options, {CHANNEL_CENTRE, CHANNEL_SLOPE, CHANNEL_SCALE, CHANNEL_SHIFT}) * images * numbers_read(s, lanes);
  cost.stored = (1 + how_many(pass.options, {CHANNEL_KEEPS_SRC | CHANNEL_KEEPS_DST})) * s.count;
  return cost;
}

Cost sums_cost(const ChannelPass& pass, int lanes) {
  const channel_shape& s = pass.shape;
  const int rows = s.inner == 1 ? ceil_div(s.channels, lanes) : s.channels;
  const std::int64_t totals = how_many(pass.options, {CHANNEL_PRODUCTS, CHANNEL_SUMS});
  Cost cost = {};
  cost.steps =
      std::int64_t{rows} * s.outer * (s.inner == 1 ? 1 : ceil_div(s.inner, lanes)) + totals * (rows * (kPartials - 1) + s.channels);
  const std::int64_t of_tensor = s.inner != 1 ? read_whole(s.count, s.inner, lanes) : read_of_channels(s, lanes);
  cost.loaded = (1 + how_many(pass.options, {CHANNEL_A})) * of_tensor +
                how_many(pass.options, {CHANNEL_CENTRE}) * numbers_read(s, lanes) +
                how_many(pass.options, {CHANNEL_ADDS_PRODUCTS, CHANNEL_ADDS_SUMS}) * s.channels;
  cost.stored = totals * s.channels;
  return cost;
}

}  // namespace

ChannelPass plan_channel_affine(const Recipe& recipe, const ChannelShape& shape, int options) {
  ChannelPass pass = {{}, options, {}, {}};
  if (count_of(shape) == 0) return pass;
  pass.shape = described(shape, kRow);
  const channel_shape& s = pass.shape;
  pass.units = shared_out(recipe, s, s.inner == 1 ? ceil_div(s.channels, recipe.lanes) : s.outer * s.channels);
  pass.cost = affine_cost(pass, recipe.lanes);
  pass.cost.launches = static_cast<std::int64_t>(pass.units.size());
  return pass;
}

ChannelPass plan_channel_sums(const Recipe& recipe, const ChannelShape& shape, int options) {
  ChannelPass pass = {{}, options, {}, {}};
  if (count_of(shape) == 0) return pass;
  pass.shape = described(shape, count_of(shape));
  const channel_shape& s = pass.shape;
  pass.units = shared_out(recipe, s, s.inner == 1 ? ceil_div(s.channels, recipe.lanes) : s.channels);
  pass.cost = sums_cost(pass, recipe.lanes);
  pass.cost.launches = static_cast<std::int64_t>(pass.units.size());
  return pass;
}

}  // namespace barista::plan
