// How the commands of a device are ordered. For device/ alone.
//
// Every queue is in-order and numbers its commands, so "command 7 of queue 1 is done" says the same of commands 1 to 6. A buffer
// remembers, for each queue, the last command that wrote it and the last that read it since; a command waits for the last writers of
// what it reads, and for the last writers and readers of what it writes. What a queue has once waited for, it need not wait for
// again, so most commands wait for nothing and no list of events grows with the work done.
#ifndef BARISTA_DEVICE_ORDER_HPP_
#define BARISTA_DEVICE_ORDER_HPP_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "device/opencl.hpp"

namespace barista::device {

// A command by its queue's numbering; 0 is none.
struct Point {
  std::uint64_t sequence = 0;
  EventHandle event;
};

// The last command on each queue. Queues beyond its end have none: a program with more compute units brings more queues.
using Points = std::vector<Point>;

// Who used a buffer.
struct History {
  static std::uint64_t next_version();

  std::atomic<std::uint64_t> version{next_version()};
  Points writers;
  Points readers;                // since the last write
  std::uint64_t last_group = 0;  // the group of commands that wrote last
};

// Events to wait for, at most one a queue.
struct WaitList {
  std::vector<cl_event> events;
  cl_uint size() const { return static_cast<cl_uint>(events.size()); }
  const cl_event* data() const { return events.empty() ? nullptr : events.data(); }
};

class Order {
 public:
  // One more queue; its number is size() - 1 from then on.
  void add(QueueHandle queue);
  std::size_t size() const { return queues_.size(); }
  cl_command_queue queue(std::size_t q) const { return queues_[q].handle.get(); }
  // Another handle for queue `q`, with nothing under way.
  void replace(std::size_t q, QueueHandle queue) { queues_[q].handle = std::move(queue); }

  // Notes that the next command on queue `q` comes after those that wrote the buffer, or that wrote or read it.
  void after_writers(std::size_t q, const History& buffer) { after(q, buffer.writers); }
  void after_all(std::size_t q, const History& buffer);
  // What the next command on queue `q` waits for, as noted; the notes are used up. What has ended by now is left out: to ask is cheaper
  // than to have the device wait across queues. Valid until the next call.
  const WaitList& wait_list(std::size_t q);
  // That command was enqueued. Returns it.
  const Point& enqueued(std::size_t q, EventHandle event);
  const Point& last(std::size_t q) const { return queues_[q].last; }

  // The number of another group of commands that are independent of each other.
  std::uint64_t next_group() { return ++group_; }
  // Enters a command in a buffer's history. Of a group, writes before reads: a write forgets the readers before it.
  void wrote(History& buffer, std::size_t q, const Point& point, std::uint64_t group) const;
  void read(History& buffer, std::size_t q, const Point& point) const { at(buffer.readers, q) = point; }

  // Whether a command, or every one of `points`, has ended. Asks the runtime, waits for nothing.
  bool is_done(std::size_t q, const Point& point);
  bool all_done(const Points& points);
  // Somebody waited for it.
  void is_known_done(std::size_t q, const Point& point);

  void flush(std::size_t q) const;
  // Waits for a queue. Returns what OpenCL says.
  cl_int finish(std::size_t q);
  // Forgets what was noted for a command that could not be enqueued.
  void forget_notes();

 private:
  struct QueueState {
    QueueHandle handle;
    Point last;                         // the last command; it counts them
    std::uint64_t done = 0;             // commands known to have ended
    std::vector<std::uint64_t> waited;  // for each queue, up to which command this one has waited
  };

  void after(std::size_t q, const Points& points);
  static Point& at(Points& points, std::size_t q);

  std::vector<QueueState> queues_;
  std::vector<const Point*> latest_;  // for each queue, what the next command waits for
  WaitList waits_;                    // kept from command to command for its memory
  std::uint64_t group_ = 0;
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_ORDER_HPP_
