// The device of this process: is it live, what was done on it, and when. What each function does, barista.h says.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "capi/barista.h"
#include "capi/status.hpp"
#include "layers/programs.hpp"
#include "memory/device_memory.hpp"
#include "memory/python_views.hpp"
#include "memory/views.hpp"
#include "nlohmann/json.hpp"

namespace {

using barista::capi::status_of;
using barista::device::Counters;
using barista::layers::Programs;

constexpr int kCounters = 8;

}  // namespace

int barista_hook_is_live() { return barista::memory::hook_is_live() ? 1 : 0; }

int barista_open_device(const char* bitstream, int index, char* error, std::size_t size) {
  return status_of(
      [&] {
        if (bitstream != nullptr) setenv("BARISTA_BITSTREAM", bitstream, 1);
        if (index >= 0) setenv("BARISTA_DEVICE_INDEX", std::to_string(index).c_str(), 1);
        const std::string& open = Programs::of_process().standard().bitstream().path;
        if (bitstream == nullptr || open == bitstream) return;
        throw barista::device::Error("bitstream " + std::string(bitstream) + ": this process runs " + open +
                                     " already; another bitstream takes another process");
      },
      error, size);
}

int barista_counters(std::uint64_t* values, int count) {
  Counters counters;
  if (status_of([&] { Programs::of_process().standard(), counters = Programs::of_process().counters(); }, nullptr, 0) != 0)
    return -1;
  const std::uint64_t all[kCounters] = {counters.launches,  counters.buffers_created, counters.uploads, counters.upload_bytes,
                                        counters.downloads, counters.download_bytes,  counters.waits,   counters.fused};
  std::copy_n(all, std::clamp(count, 0, kCounters), values);
  return kCounters;
}

void barista_view_begin(const void* host) { barista::memory::begin_view(host); }
void barista_view_end(const void* host) { barista::memory::end_view(host); }

void barista_views_are_told() { barista::memory::views_are_told(); }

int barista_cross_to_caffe(int in_caffe) {
  using barista::memory::Side;
  return barista::memory::cross_to(in_caffe != 0 ? Side::kCaffe : Side::kPython) == Side::kCaffe ? 1 : 0;
}

int barista_finish(char* error, std::size_t size) {
  return status_of([] { Programs::of_process().finish(); }, error, size);
}

int barista_record_begin(char* error, std::size_t size) {
  return status_of([] { Programs::of_process().standard().device().begin_recording(); }, error, size);
}

std::uint64_t barista_recorded() {
  std::uint64_t count = 0;
  status_of([&] { count = Programs::of_process().standard().device().recorded(); }, nullptr, 0);
  return count;
}

const char* barista_record_end(char* error, std::size_t size) {
  static std::string text;
  const int status = status_of(
      [] {
        nlohmann::json all = nlohmann::json::array();
        for (const barista::device::Command& c : Programs::of_process().standard().device().end_recording())
          all.push_back({c.name, c.queue, c.bytes, c.enqueued, c.began, c.ended});
        text = all.dump();
      },
      error, size);
  return status == 0 ? text.c_str() : nullptr;
}
