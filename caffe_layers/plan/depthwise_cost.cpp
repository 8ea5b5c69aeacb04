#include "plan/depthwise_cost.hpp"

#include <algorithm>

#include "plan/ranges.hpp"

namespace barista::plan {
namespace {

using Count = std::int64_t;

// Counts as the kernels' loops run. Names are the kernels'.
class Counter {
 public:
  Counter(const Recipe& recipe, const DepthwisePass& pass) : lanes_(recipe.lanes), pass_(pass), p_(pass.problem) {
    for (const depthwise_part& part : pass.parts) {
      Count steps = 0;
      for (int s = part.sweep_begin; s < part.sweep_end; s++) steps += pass.sweeps[s].steps;
      sweep_steps_.push_back(steps);
    }
    cost_.launches = Count(pass.units.size());
  }

  Cost apply(bool offsets) {
    for (const depthwise_range& range : pass_.units) {
      int plane = range.plane, part = range.part;
      for (int i = range.begin; i < range.end; i++) {
        const depthwise_part& t = pass_.parts[part];
        const bool first = i == range.begin, first_of_planes = first || part == 0;
        if (first_of_planes) {
          cost_.steps += 2 * lanes_;  // the channels' factors and terms
          if (offsets) cost_.loaded += lanes_;
        }
        if (first_of_planes || t.load_weights != 0) load_weights(t, plane % p_.channels);
        if (first || t.clear != 0) cost_.steps += p_.source_words;
        load(t.source, Count(plane) * p_.source_plane, p_.source_blob, p_.source_plane, p_.source_row);
        cost_.steps += sweep_steps_[part];
        if (t.last != 0) store(t.result, std::min(p_.planes - plane, lanes_));
        if (++part == p_.parts) {
          part = 0;
          plane += lanes_;
        }
      }
    }
    return cost_;
  }

  Cost weights() {
    for (const depthwise_range& range : pass_.units)
      for (int channel = range.begin * lanes_; channel < std::min(range.end * lanes_, p_.channels); channel += lanes_)
        for (int first = 0; first < p_.parts; first += p_.tiles) kernel_part(channel, first);
    return cost_;
  }

 private:
  // A rectangle of the kernel, of a group of channels, over all images.
  void kernel_part(int channel, int first) {
    const depthwise_part& kernel = pass_.parts[first];
    cost_.steps += kernel.chunks * DEPTHWISE_PARTIALS;
    for (int plane = channel; plane < p_.planes; plane += p_.channels)
      for (int tile = 0; tile < p_.tiles; tile++) {
        const depthwise_part& t = pass_.parts[first + tile];
        if (t.clear != 0 || (tile == 0 && plane == channel)) cost_.steps += p_.source_words;
        load(t.source, Count(plane) * p_.source_plane, p_.source_blob, p_.source_plane, p_.source_row);
        load(t.result, Count(plane) * p_.result_plane, p_.result_blob, p_.result_plane, p_.result_row);
        cost_.steps += sweep_steps_[first + tile];
      }
    const int lanes = std::min(p_.channels - channel, lanes_);
    const Count weights = Count(kernel.weights_runs) * kernel.weights_run;
    cost_.steps += DEPTHWISE_PARTIALS * weights + Count(kernel.weights_runs) * ceil_div(kernel.weights_run, lanes_) * lanes;
    cost_.stored += weights * lanes;
  }

  void load_weights(const depthwise_part& t, int first_channel) {
    for (int run = 0; run < t.weights_runs; run++)
      for (int word = 0; word < t.weights_run; word += lanes_) {
        int channel = first_channel;
        for (int lane = 0; lane < lanes_; lane++) {
          cost_.loaded += valid(channel * p_.kernel_plane + t.weights_offset + run * p_.kernel_row + word, p_.weights_blob);
          if (++channel == p_.channels) channel = 0;
        }
        cost_.steps += lanes_ + std::min(lanes_, t.weights_run - word);
      }
  }

  // An area of as many planes as there are lanes, the first of which begins at element `first` of a buffer of `end`.
  void load(const depthwise_area& a, Count first, Count end, int plane_words, int row_words) {
    const Count vectors = Count(a.runs) * ceil_div(a.run, lanes_);
    cost_.steps += vectors * lanes_ + Count(a.runs) * a.run;
    const Count last = first + a.offset + Count(a.runs - 1) * row_words + a.run - 1 + Count(lanes_ - 1) * plane_words;
    if (last + lanes_ <= end) {
      cost_.loaded += vectors * lanes_ * lanes_;
      return;
    }
    for (int run = 0; run < a.runs; run++)
      for (int word = 0; word < a.run; word += lanes_)
        for (int lane = 0; lane < lanes_; lane++)
          cost_.loaded += valid(first + a.offset + Count(run) * row_words + word + Count(lane) * plane_words, end);
  }

  void store(const depthwise_area& a, int lanes) {
    cost_.steps += Count(a.runs) * ceil_div(a.run, lanes_) * (lanes_ + lanes);
    cost_.stored += Count(a.runs) * a.run * lanes;
  }

  // A vector is read whole but at a buffer's end.
  Count valid(Count at, Count end) const { return std::clamp<Count>(end - at, 0, lanes_); }

  const int lanes_;
  const DepthwisePass& pass_;
  const depthwise_problem& p_;
  std::vector<Count> sweep_steps_;  // of each part
  Cost cost_;
};

}  // namespace

Cost depthwise_apply_cost(const Recipe& recipe, const DepthwisePass& pass, bool offsets) {
  return Counter(recipe, pass).apply(offsets);
}

Cost depthwise_weights_cost(const Recipe& recipe, const DepthwisePass& pass) { return Counter(recipe, pass).weights(); }

}  // namespace barista::plan
