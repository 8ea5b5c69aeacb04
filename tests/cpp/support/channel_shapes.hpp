// Shapes [outer][channels][inner] for operations with numbers of each channel: planes of every length around a vector's, single values a
// channel, one channel, and channels around a vector's.
#ifndef BARISTA_TESTS_SUPPORT_CHANNEL_SHAPES_HPP_
#define BARISTA_TESTS_SUPPORT_CHANNEL_SHAPES_HPP_

#include <cstdlib>
#include <string>
#include <vector>

#include "ops/channels.hpp"

namespace barista::testing {

// A few of them, where tests are given a short list of shapes: for a device that checks every instruction. The last two are work for every
// unit.
inline std::vector<ops::ChannelShape> channel_shapes() {
  if (std::getenv("BARISTA_TEST_SHAPES") != nullptr)
    return {{1, 1, 1},  {1, 33, 1}, {3, 17, 1},   {2, 3, 2},    {1, 3, 16},
            {3, 2, 33}, {2, 1, 17}, {2, 1, 2100}, {2, 3, 2800}, {1000, 17, 1}};
  std::vector<ops::ChannelShape> all;
  for (const int inner : {1, 2, 15, 16, 17, 49, 150})
    for (const int channels : {1, 3, 16, 17, 40})
      for (const int outer : {1, 2, 19}) all.push_back({outer, channels, inner});
  all.push_back({2, 1, 2100});  // more of one channel than a unit takes at once
  return all;
}

inline std::string describe(const ops::ChannelShape& s) {
  return std::to_string(s.outer) + "x" + std::to_string(s.channels) + "x" + std::to_string(s.inner);
}

inline int count(const ops::ChannelShape& s) { return s.outer * s.channels * s.inner; }
inline int channel_of(const ops::ChannelShape& s, int i) { return i / s.inner % s.channels; }

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_CHANNEL_SHAPES_HPP_
