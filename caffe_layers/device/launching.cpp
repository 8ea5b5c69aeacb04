// How launches, at once or deferred, become commands.
#include <utility>

#include "device/device_state.hpp"
#include "device/program_state.hpp"

namespace barista::device {

void DeviceState::enqueue(const ProgramState& program, const Launch& launch, std::optional<std::size_t> place) {
  const cl_kernel kernel = program.with_arguments(launch);
  const std::size_t q = queue_of(launch);
  for (const Argument& argument : launch.arguments) {
    if (!argument.is_value()) settle_zero(*argument.buffer_);
  }
  for (const Argument& argument : launch.arguments) {
    if (argument.reads_only()) order.after_writers(q, argument.buffer_->history);
    if (argument.writes()) order.after_all(q, argument.buffer_->history);
  }
  launched.push_back(submit(
      q, launch.kernel, 0,
      [&](cl_command_queue queue, const WaitList& list, cl_event* event) {
        return clEnqueueTask(queue, kernel, list.size(), list.data(), event);
      },
      place));
}

void DeviceState::launch(const ProgramState& program, const std::vector<Launch>& group, std::optional<std::size_t> first_place) {
  try {
    std::vector<bool> used(order.size());
    for (std::size_t i = 0; i < group.size(); ++i) {
      enqueue(program, group[i], first_place ? std::optional(*first_place + i) : std::nullopt);
      used[queue_of(group[i])] = true;
    }
    enter_in_histories(group);
    for (std::size_t q = 0; q < used.size(); ++q) {
      if (used[q]) order.flush(q);
    }
  } catch (...) {
    settle();
    throw;
  }
}

// Writes first, since a write forgets the readers before it.
void DeviceState::enter_in_histories(const std::vector<Launch>& group) {
  const std::uint64_t number = order.next_group();
  for (bool writes : {true, false}) {
    for (std::size_t i = 0; i < launched.size(); ++i) {
      for (const Argument& argument : group[i].arguments) {
        if (argument.is_value() || argument.writes() != writes) continue;
        History& history = argument.buffer_->history;
        if (writes) {
          order.wrote(history, queue_of(group[i]), launched[i], number);
        } else {
          order.read(history, queue_of(group[i]), launched[i]);
        }
      }
    }
  }
  launched.clear();
}

void DeviceState::defer(std::shared_ptr<const ProgramState> program, DeferredLaunch launch) {
  std::vector<Launch> group = launch.launches(launch.post_ops, launch.dst);
  for (const Launch& one : group) {
    program->require(one);  // what is wrong with it is said now, not to whom comes next
    for (const Argument& argument : one.arguments) {
      if (argument.writes() && argument.buffer_ != nullptr) argument.buffer_->history.version = History::next_version();
    }
  }
  counters.launches += group.size();
  const std::size_t place = recording.reserve(group.size());
  deferred.emplace(Deferred{std::move(program), std::move(launch), std::move(group), place});
}

void DeviceState::release() {
  if (!deferred) return;
  const Deferred released = std::move(*deferred);
  deferred.reset();
  launch(*released.program, released.group, released.place);
}

void DeviceState::release_for(const BufferState& buffer) {
  if (!deferred) return;
  for (const Launch& launch : deferred->group) {
    for (const Argument& argument : launch.arguments) {
      if (argument.buffer_.get() == &buffer) return release();
    }
  }
}

}  // namespace barista::device
