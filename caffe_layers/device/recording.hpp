// The commands of a device with their times, kept while somebody asks for them. For device/ alone.
#ifndef BARISTA_DEVICE_RECORDING_HPP_
#define BARISTA_DEVICE_RECORDING_HPP_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "device/command.hpp"
#include "device/opencl.hpp"

namespace barista::device {

class Recording {
 public:
  bool is_on() const { return on_; }
  void begin();
  // The commands recorded, all of which have ended.
  std::vector<Command> end();
  std::size_t size() const { return commands_.size(); }

  // Places for `count` commands that are still to come. Returns the first one's number.
  std::size_t reserve(std::size_t count);
  // Records `command` last, or in the place that was kept for it. Nothing where recording is off.
  void add(const Command& command, const EventHandle& event, std::optional<std::size_t> place);
  // The host's clock while recording is on, else 0.
  std::int64_t now() const;

 private:
  void fill_in_times();
  std::int64_t time_of(std::size_t command, cl_profiling_info what) const;

  bool on_ = false;
  std::vector<Command> commands_;
  std::vector<EventHandle> events_;  // theirs
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_RECORDING_HPP_
