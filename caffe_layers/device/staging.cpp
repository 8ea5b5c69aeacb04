#include "device/staging.hpp"

#include <string>
#include <utility>

namespace barista::device {
namespace {

// Uploads up to this size are copied aside rather than waited for: the copy costs less than a wait.
constexpr std::size_t kAlwaysStagedBytes = 256 * 1024;
// Uploads from this size on are waited for even behind other work: what crosses in every step is smaller, and such a copy would take as
// much memory again, for good.
constexpr std::size_t kNeverStagedBytes = 64 * 1024 * 1024;
constexpr std::size_t kSmallestBuffer = 64 * 1024;

}  // namespace

bool Staging::is_worth_it(std::size_t bytes, bool idle) {
  return bytes <= kAlwaysStagedBytes || (!idle && bytes < kNeverStagedBytes);
}

StagingBuffer& Staging::take(std::size_t bytes, const std::function<bool(const Point&)>& is_done) {
  for (StagingBuffer& buffer : buffers_) {
    if (buffer.size >= bytes && !buffer.taken && is_done(buffer.use)) {
      buffer.taken = true;
      return buffer;
    }
  }
  std::size_t size = kSmallestBuffer;
  while (size < bytes) size *= 2;
  auto* memory = static_cast<unsigned char*>(std::aligned_alloc(kTransferAlignment, size));
  if (memory == nullptr) throw Error("upload: no host memory for " + std::to_string(size) + " bytes");
  StagingBuffer buffer;
  buffer.bytes.reset(memory);
  buffer.size = size;
  buffer.taken = true;
  buffers_.push_back(std::move(buffer));
  return buffers_.back();
}

}  // namespace barista::device
