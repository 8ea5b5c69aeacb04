// Staging buffers: host memory to which an upload is copied aside, so that its caller need not wait for the device. For device/ alone.
#ifndef BARISTA_DEVICE_STAGING_HPP_
#define BARISTA_DEVICE_STAGING_HPP_

#include <cstddef>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>

#include "device/order.hpp"

namespace barista::device {

struct StagingBuffer {
  struct Free {
    void operator()(unsigned char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<unsigned char, Free> bytes;
  std::size_t size = 0;
  bool taken = false;  // somebody is filling it
  Point use;           // the upload that reads it
};

class Staging {
 public:
  // Whether an upload of so many bytes is copied aside. Straight from the caller's memory it goes only where that waits for nothing but the
  // copy (the device is `idle`), or where the copy aside would be too large.
  static bool is_worth_it(std::size_t bytes, bool idle);
  // One of at least `bytes`, a multiple of what DMA engines want, that nobody fills and of which the last use `is_done`. Stays where it is.
  StagingBuffer& take(std::size_t bytes, const std::function<bool(const Point&)>& is_done);

 private:
  std::deque<StagingBuffer> buffers_;
};

// What a board's DMA engine wants, in bytes.
inline constexpr std::size_t kTransferAlignment = 64;

}  // namespace barista::device

#endif  // BARISTA_DEVICE_STAGING_HPP_
