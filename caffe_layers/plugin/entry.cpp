// What a process asks libbarista.so directly, through C: is it live, which device, how much was done.
//
// Python calls these through ctypes; barista_training_* in training.cpp are the rest of the C interface. No function throws or ends
// the process.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "device/device_manager.hpp"
#include "memory/device_memory.hpp"
#include "memory/python_views.hpp"
#include "memory/views.hpp"
#include "nlohmann/json.hpp"
#include "plan/convolution_plan.hpp"
#include "plan/inner_product_plan.hpp"

namespace {

using barista::device::Counters;
using barista::device::DeviceManager;

constexpr int kCounters = 8;

// Copies `text` into `out` of `size` bytes, cut where it is longer, ended by a zero.
void copy_text(const std::string& text, char* out, std::size_t size) {
  if (out == nullptr || size == 0) return;
  const std::size_t length = std::min(text.size(), size - 1);
  std::memcpy(out, text.data(), length);
  out[length] = '\0';
}

// Runs `function`; 0, or 1 with the reason in `error`.
template <typename Function>
int status_of(const Function& function, char* error, std::size_t size) {
  try {
    function();
    return 0;
  } catch (const std::exception& failure) {
    copy_text(failure.what(), error, size);
    return 1;
  }
}

// The plans of one operation, which is an object with the fields of its shape.
std::vector<barista::plan::PassPlan> plans(const nlohmann::json& op) {
  const auto field = [&](const char* name) { return op.at(name).get<int>(); };
  const barista::device::Recipe& recipe = DeviceManager::instance().recipe();
  if (op.at("op") == "inner product")
    return barista::plan::plan_inner_product(recipe, {field("N"), field("K"), field("O"), op.at("transpose").get<bool>()}).passes();
  barista::plan::ConvolutionShape s = {};
  s.N = field("N"), s.C = field("C"), s.H = field("H"), s.W = field("W");
  s.O = field("O"), s.KH = field("KH"), s.KW = field("KW"), s.G = field("G");
  s.SH = field("SH"), s.SW = field("SW"), s.PH = field("PH"), s.PW = field("PW"), s.DH = field("DH"), s.DW = field("DW");
  return barista::plan::plan_convolution(recipe, s).passes();
}

}  // namespace

#define BARISTA_EXPORT extern "C" __attribute__((visibility("default")))

// The version of this interface. It changes when a function's arguments or meaning do.
BARISTA_EXPORT int barista_version() { return 1; }

// 1 where Caffe's memory is the one that knows of the device, 0 where layers copy always (see memory/device_memory.hpp).
BARISTA_EXPORT int barista_hook_is_live() { return barista::memory::hook_is_live() ? 1 : 0; }

// Opens the process's device with the bitstream at `bitstream`, number `index` (from 0) among the devices that it was built for.
// Null and -1 take what BARISTA_BITSTREAM and BARISTA_DEVICE_INDEX say. A layer does the same on first use, but has to end the
// process where it fails. Returns 0, or 1 with a sentence in `error` (at most `size` bytes with the zero at its end). Once a device is
// open, another bitstream is an error; after a failure it may be tried again.
BARISTA_EXPORT int barista_open_device(const char* bitstream, int index, char* error, std::size_t size) {
  return status_of(
      [&] {
        if (bitstream != nullptr) setenv("BARISTA_BITSTREAM", bitstream, 1);
        if (index >= 0) setenv("BARISTA_DEVICE_INDEX", std::to_string(index).c_str(), 1);
        const std::string& open = DeviceManager::instance().bitstream().path;
        if (bitstream == nullptr || open == bitstream) return;
        throw barista::device::Error("bitstream " + std::string(bitstream) + ": this process runs " + open +
                                     " already; another bitstream takes another process");
      },
      error, size);
}

// The device's name, as OpenCL gives it. Opens the device where that was not done. Returns 0, or 1 with a sentence in `name` instead.
BARISTA_EXPORT int barista_device_name(char* name, std::size_t size) {
  return status_of([&] { copy_text(DeviceManager::instance().device_name(), name, size); }, name, size);
}

// What was done on the device so far, in `values`: launches, buffers created, uploads, upload bytes, downloads, download bytes, waits,
// groups amended (see device::Counters). Writes at most `count` of them; returns how many there are, or -1 where there is no device.
BARISTA_EXPORT int barista_counters(std::uint64_t* values, int count) {
  Counters counters;
  if (status_of([&] { counters = DeviceManager::instance().counters(); }, nullptr, 0) != 0) return -1;
  const std::uint64_t all[kCounters] = {counters.launches,  counters.buffers_created, counters.uploads, counters.upload_bytes,
                                        counters.downloads, counters.download_bytes,  counters.waits,   counters.amended};
  std::copy_n(all, std::clamp(count, 0, kCounters), values);
  return kCounters;
}

// A view of the host's memory at `host` begins, or ends, to live: see memory/views.hpp.
BARISTA_EXPORT void barista_view_begin(const void* host) { barista::memory::begin_view(host); }
BARISTA_EXPORT void barista_view_end(const void* host) { barista::memory::end_view(host); }

// From here on all views that pycaffe hands out begin and end so.
BARISTA_EXPORT void barista_views_are_told() { barista::memory::views_are_told(); }

// This thread calls Caffe (1) or is in Python (0) from here on. Returns where it was. Coming back from Caffe, views are brought up to date;
// a failure of the device ends the process, as in Caffe's own calls.
BARISTA_EXPORT int barista_cross_to_caffe(int in_caffe) {
  using barista::memory::Side;
  return barista::memory::cross_to(in_caffe != 0 ? Side::kCaffe : Side::kPython) == Side::kCaffe ? 1 : 0;
}

// Waits until the device has done all that was asked of it: for measuring. Returns 0, or 1 with a sentence in `error`.
BARISTA_EXPORT int barista_finish(char* error, std::size_t size) {
  return status_of([] { DeviceManager::instance().finish(); }, error, size);
}

// Keeps the times of every command from here on (see DeviceManager::begin_recording). Returns 0, or 1 with a sentence in `error`.
BARISTA_EXPORT int barista_record_begin(char* error, std::size_t size) {
  return status_of([] { DeviceManager::instance().begin_recording(); }, error, size);
}

// How many commands were recorded so far.
BARISTA_EXPORT std::uint64_t barista_recorded() {
  std::uint64_t count = 0;
  status_of([&] { count = DeviceManager::instance().recorded(); }, nullptr, 0);
  return count;
}

// Ends it. Returns a JSON array of [name, queue, bytes, enqueued, began, ended], valid until the next call, or null with a sentence in
// `error`. Times are nanoseconds of the monotonic clock.
BARISTA_EXPORT const char* barista_record_end(char* error, std::size_t size) {
  static std::string text;
  const int status = status_of(
      [] {
        nlohmann::json all = nlohmann::json::array();
        for (const barista::device::Command& c : DeviceManager::instance().end_recording())
          all.push_back({c.name, c.queue, c.bytes, c.enqueued, c.began, c.ended});
        text = all.dump();
      },
      error, size);
  return status == 0 ? text.c_str() : nullptr;
}

// How the passes of some operations would use the multiply grid of the open device's recipe. `operations` is a JSON array of objects
// with "op", "convolution" or "inner product", and the fields of plan::ConvolutionShape or plan::InnerProductShape. Returns a JSON array
// with an array of [pass, cycles, utilization] (see plan::MultiplyPlan) for each of them, valid until the next call, or null with a sentence in
// `error`.
BARISTA_EXPORT const char* barista_grid_plans(const char* operations, char* error, std::size_t size) {
  static std::string text;
  const int status = status_of(
      [&] {
        nlohmann::json all = nlohmann::json::array();
        for (const nlohmann::json& op : nlohmann::json::parse(operations)) {
          nlohmann::json passes = nlohmann::json::array();
          for (const barista::plan::PassPlan& pass : plans(op))
            passes.push_back({pass.pass.name, pass.plan.cycles, pass.plan.utilization});
          all.push_back(passes);
        }
        text = all.dump();
      },
      error, size);
  return status == 0 ? text.c_str() : nullptr;
}
