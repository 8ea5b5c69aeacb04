// A command that was recorded.
#ifndef BARISTA_DEVICE_COMMAND_HPP_
#define BARISTA_DEVICE_COMMAND_HPP_

#include <cstddef>
#include <cstdint>
#include <string>

namespace barista::device {

// Times are nanoseconds of the host's monotonic clock.
struct Command {
  std::string name;       // a kernel's, or upload, prefetch, download, zero
  std::size_t queue = 0;  // of a compute unit, by its number; then that of uploads, then that of downloads
  std::uint64_t bytes = 0;
  std::int64_t enqueued = 0, began = 0, ended = 0;
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_COMMAND_HPP_
