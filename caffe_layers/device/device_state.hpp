// What a Device and the Programs on it work with. For device/ alone; every member is called with the lock held.
#ifndef BARISTA_DEVICE_DEVICE_STATE_HPP_
#define BARISTA_DEVICE_DEVICE_STATE_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "device/buffer_state.hpp"
#include "device/counters.hpp"
#include "device/device_choice.hpp"
#include "device/launch.hpp"
#include "device/opencl.hpp"
#include "device/order.hpp"
#include "device/recording.hpp"
#include "device/staging.hpp"
#include "device/start_memory.hpp"

namespace barista::device {

struct ProgramState;

struct DeviceState {
  // Transfers have two queues: a download must not stand behind an upload that waits for a kernel. The compute units' come after them.
  static constexpr std::size_t kUploads = 0, kDownloads = 1, kUnits = 2;
  static std::size_t queue_of(const Launch& launch) { return kUnits + static_cast<std::size_t>(launch.unit); }

  // A deferred launch, and the launches that it is with the post-ops that it has.
  struct Deferred {
    std::shared_ptr<const ProgramState> program;
    DeferredLaunch launch;
    std::vector<Launch> group;
    std::size_t place;  // among the commands recorded
  };

  StartMemory start_memory;  // before all that follows
  PresentDevice present = {};
  ContextHandle context;
  Order order;
  Staging staging;
  Counters counters;
  Recording recording;
  Buffer unused;
  std::optional<Deferred> deferred;
  std::vector<Point> launched;  // the commands of the group being launched; kept for its memory
  std::mutex mutex;

  // Queues ------------------------------------------------------------------------------------------------------------------------

  // At least `units` compute units' queues.
  void require_units(std::size_t units);
  QueueHandle make_queue() const;
  // Queues that keep the times of their commands, or don't, as recording is on or off. With nothing under way.
  void renew_queues();
  // A queue's number as Command has it.
  std::size_t number_of(std::size_t q) const;

  // Enqueues a command on queue `q`, after what was noted in `order`. `enqueue` takes the queue, the wait list and where the event goes.
  // It is recorded last, or in the `place` that was kept for it.
  template <typename Enqueue>
  Point submit(std::size_t q, const std::string& name, std::size_t bytes, const Enqueue& enqueue,
               std::optional<std::size_t> place = {}) {
    const WaitList& list = order.wait_list(q);
    cl_event event = nullptr;
    const std::int64_t enqueued = recording.now();
    const cl_int status = enqueue(order.queue(q), list, &event);
    if (status != CL_SUCCESS) {
      settle();
      check(status, "a command on " + present.name);
    }
    const Point& point = order.enqueued(q, EventHandle(event));
    if (recording.is_on()) recording.add({name, q, bytes, enqueued, 0, 0}, point.event, place);
    return point;
  }

  // Enqueues the deferred launch, if there is one, and waits for all queues.
  void finish();
  // After a command that failed: nothing is under way, so that no history is wrong.
  void settle() noexcept;

  // Zeros -------------------------------------------------------------------------------------------------------------------------

  void write_zeros(BufferState& target, std::size_t bytes);
  // Before anything else is done with `buffer`.
  void settle_zero(BufferState& buffer);

  // Launches (launching.cpp) --------------------------------------------------------------------------------------------------------

  // Enqueues a group, recorded from `first_place` on, or last.
  void launch(const ProgramState& program, const std::vector<Launch>& group, std::optional<std::size_t> first_place = {});
  void defer(std::shared_ptr<const ProgramState> program, DeferredLaunch launch);
  // Enqueues the deferred launch, if there is one.
  void release();
  // Before a command that isn't a launch uses `buffer`.
  void release_for(const BufferState& buffer);

 private:
  void enqueue(const ProgramState& program, const Launch& launch, std::optional<std::size_t> place);
  void enter_in_histories(const std::vector<Launch>& group);
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_DEVICE_STATE_HPP_
