#include "device/process.hpp"

#include <cstdlib>
#include <exception>
#include <mutex>
#include <vector>

#include "device/opencl.hpp"

namespace barista::device {
namespace {

std::mutex mutex;
std::vector<Device*>& kept_open() {
  static auto& all = *new std::vector<Device*>;
  return all;
}

void leave() {
  if (exiting) return;
  for (Device* device : kept_open()) {
    try {
      device->finish();
    } catch (const std::exception&) {
      // The process ends; there is nobody left to tell.
    }
  }
  exiting = true;
}

int device_index() {
  const char* text = std::getenv("BARISTA_DEVICE_INDEX");
  if (text == nullptr || *text == '\0') return 0;
  char* end = nullptr;
  const long index = std::strtol(text, &end, 10);
  if (*end != '\0' || index < 0 || index > 1000) {
    throw Error("BARISTA_DEVICE_INDEX is '" + std::string(text) + "', it must be a number from 0");
  }
  return static_cast<int>(index);
}

}  // namespace

NamedBitstream named_by_environment() {
  const char* path = std::getenv("BARISTA_BITSTREAM");
  if (path == nullptr || *path == '\0') {
    throw Error(
        "BARISTA_BITSTREAM is not set: it must name a bitstream (.aocx); 'barista build' makes one, 'barista env' prints the "
        "setting");
  }
  return {path, device_index()};
}

Device& keep_open(std::unique_ptr<Device> device) {
  const std::lock_guard<std::mutex> lock(mutex);
  // An OpenCL runtime ends its threads in an exit handler, which it set when it was loaded, just now; ours, set later, runs before it. The
  // next device may be of another runtime, so this is done for each: the first to run is the one that counts.
  std::atexit(leave);
  kept_open().push_back(device.get());
  return *device.release();
}

}  // namespace barista::device
