#include "device/recording.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace barista::device {

void Recording::begin() {
  commands_.clear();
  events_.clear();
  on_ = true;
}

std::vector<Command> Recording::end() {
  on_ = false;
  fill_in_times();
  events_.clear();
  return std::exchange(commands_, {});
}

std::size_t Recording::reserve(std::size_t count) {
  const std::size_t first = commands_.size();
  if (on_) {
    commands_.resize(first + count);
    events_.resize(first + count);
  }
  return first;
}

void Recording::add(const Command& command, const EventHandle& event, std::optional<std::size_t> place) {
  if (!on_) return;
  if (!place) place = reserve(1);
  commands_[*place] = command;
  events_[*place] = event;
}

std::int64_t Recording::now() const {
  if (!on_) return 0;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A device has a clock of its own, which runs ahead of the host's by as much as the shortest time from the host's enqueueing to the device's
// knowing.
void Recording::fill_in_times() {
  std::int64_t ahead = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < commands_.size(); ++i)
    ahead = std::min(ahead, time_of(i, CL_PROFILING_COMMAND_QUEUED) - commands_[i].enqueued);
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    commands_[i].began = time_of(i, CL_PROFILING_COMMAND_START) - ahead;
    commands_[i].ended = time_of(i, CL_PROFILING_COMMAND_END) - ahead;
  }
}

std::int64_t Recording::time_of(std::size_t command, cl_profiling_info what) const {
  cl_ulong time = 0;
  check(clGetEventProfilingInfo(events_[command].get(), what, sizeof time, &time, nullptr),
        "asking for the time of " + commands_[command].name);
  return static_cast<std::int64_t>(time);
}

}  // namespace barista::device
