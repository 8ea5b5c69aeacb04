#include "device/order.hpp"

#include <algorithm>
#include <utility>

namespace barista::device {

std::uint64_t History::next_version() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

void Order::add(QueueHandle queue) {
  queues_.push_back({std::move(queue), {}, 0, {}});
  for (QueueState& one : queues_) one.waited.resize(queues_.size());
  latest_.resize(queues_.size());
}

void Order::after(std::size_t q, const Points& points) {
  for (std::size_t other = 0; other < points.size(); ++other) {
    const Point& point = points[other];
    if (other == q || point.sequence <= queues_[q].waited[other] || point.sequence <= queues_[other].done) continue;
    if (latest_[other] == nullptr || latest_[other]->sequence < point.sequence) latest_[other] = &point;
  }
}

void Order::after_all(std::size_t q, const History& buffer) {
  after(q, buffer.writers);
  after(q, buffer.readers);
}

const WaitList& Order::wait_list(std::size_t q) {
  waits_.events.clear();
  for (std::size_t other = 0; other < latest_.size(); ++other) {
    const Point* point = std::exchange(latest_[other], nullptr);
    if (point == nullptr || is_done(other, *point)) continue;
    waits_.events.push_back(point->event.get());
    queues_[q].waited[other] = point->sequence;
  }
  return waits_;
}

const Point& Order::enqueued(std::size_t q, EventHandle event) {
  Point& last = queues_[q].last;
  last = {last.sequence + 1, std::move(event)};
  return last;
}

Point& Order::at(Points& points, std::size_t q) {
  if (points.size() <= q) points.resize(q + 1);
  return points[q];
}

void Order::wrote(History& buffer, std::size_t q, const Point& point, std::uint64_t group) const {
  if (buffer.last_group != group) {
    buffer.last_group = group;
    buffer.version = History::next_version();
    for (Point& writer : buffer.writers) writer = Point();
    for (Point& reader : buffer.readers) reader = Point();
  }
  at(buffer.writers, q) = point;
}

bool Order::is_done(std::size_t q, const Point& point) {
  if (point.sequence <= queues_[q].done) return true;
  cl_int status = CL_QUEUED;
  check(clGetEventInfo(point.event.get(), CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr),
        "asking for a command");
  if (status != CL_COMPLETE) return false;
  is_known_done(q, point);
  return true;
}

bool Order::all_done(const Points& points) {
  for (std::size_t q = 0; q < points.size(); ++q) {
    if (!is_done(q, points[q])) return false;
  }
  return true;
}

void Order::is_known_done(std::size_t q, const Point& point) { queues_[q].done = std::max(queues_[q].done, point.sequence); }

void Order::flush(std::size_t q) const { check(clFlush(queues_[q].handle.get()), "submitting commands"); }

cl_int Order::finish(std::size_t q) {
  const cl_int status = clFinish(queues_[q].handle.get());
  if (status == CL_SUCCESS) queues_[q].done = queues_[q].last.sequence;
  return status;
}

void Order::forget_notes() { std::fill(latest_.begin(), latest_.end(), nullptr); }

}  // namespace barista::device
