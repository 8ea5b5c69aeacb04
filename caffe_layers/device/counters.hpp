// What was done on a device so far; differences of two of these measure a step.
#ifndef BARISTA_DEVICE_COUNTERS_HPP_
#define BARISTA_DEVICE_COUNTERS_HPP_

#include <cstdint>

namespace barista::device {

struct Counters {
  std::uint64_t launches = 0;  // deferred ones among them
  std::uint64_t buffers_created = 0;
  std::uint64_t uploads = 0;
  std::uint64_t upload_bytes = 0;
  std::uint64_t downloads = 0;
  std::uint64_t download_bytes = 0;
  std::uint64_t waits = 0;  // times that the host waited for the device
  std::uint64_t fused = 0;  // post-ops that were fused into deferred launches

  Counters& operator+=(const Counters& other) {
    launches += other.launches;
    buffers_created += other.buffers_created;
    uploads += other.uploads;
    upload_bytes += other.upload_bytes;
    downloads += other.downloads;
    download_bytes += other.download_bytes;
    waits += other.waits;
    fused += other.fused;
    return *this;
  }
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_COUNTERS_HPP_
