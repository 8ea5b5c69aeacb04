#include "layers/programs.hpp"

#include <filesystem>

#include "device/process.hpp"

namespace barista::layers {
namespace {

// Two ways of writing one file's path are the same file.
bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return a == b || std::filesystem::equivalent(a, b, ignored);
}

}  // namespace

// Never destroyed: layers of static nets may outlive any destructor of ours.
Programs& Programs::of_process() {
  static auto& programs = *new Programs;
  return programs;
}

device::Program& Programs::standard() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (standard_ == nullptr) {
    const device::NamedBitstream named = device::named_by_environment();
    standard_ = &open(named.path, named.device_index);
  }
  return *standard_;
}

device::Program& Programs::named(const std::string& bitstream) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::unique_ptr<device::Program>& program : programs_) {
    if (program->recipe().name == bitstream || is_same_file(program->bitstream().path, bitstream)) return *program;
  }
  std::error_code ignored;
  if (!std::filesystem::exists(bitstream, ignored)) {
    std::string open_ones;
    for (const std::unique_ptr<device::Program>& program : programs_)
      open_ones += (open_ones.empty() ? "" : ", ") + program->recipe().name;
    throw device::Error("bitstream '" + bitstream + "': it is neither a file nor the recipe of a bitstream that is open (" +
                        (open_ones.empty() ? "none is" : open_ones) + "); 'barista build' makes one and prints its path");
  }
  return open(bitstream, 0);
}

device::Program& Programs::on(const device::Device& device) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::unique_ptr<device::Program>& program : programs_) {
    if (&program->device() == &device) return *program;
  }
  throw device::Error("device " + device.name() + ": no program is open on it");
}

// A bitstream for a kind of device of which one is open runs on that one.
device::Program& Programs::open(const std::string& path, int device_index) {
  const device::Bitstream bitstream = device::Bitstream::open(path);
  device::Device* device = nullptr;
  for (device::Device* one : devices_) {
    if (device == nullptr && one->takes(bitstream)) device = one;
  }
  if (device == nullptr) {
    device = &device::keep_open(std::make_unique<device::Device>(bitstream, device_index));
    devices_.push_back(device);
  }
  programs_.push_back(std::make_unique<device::Program>(*device, bitstream));
  return *programs_.back();
}

device::Counters Programs::counters() {
  const std::lock_guard<std::mutex> lock(mutex_);
  device::Counters all;
  for (const device::Device* device : devices_) all += device->counters();
  return all;
}

void Programs::finish() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (device::Device* device : devices_) device->finish();
}

}  // namespace barista::layers
