#include "device/device_choice.hpp"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace barista::device {
namespace {

std::string platform_text(cl_platform_id platform, cl_platform_info what) {
  std::size_t size = 0;
  check(clGetPlatformInfo(platform, what, 0, nullptr, &size), "reading a platform's name");
  std::string text(size, '\0');
  check(clGetPlatformInfo(platform, what, size, text.data(), nullptr), "reading a platform's name");
  return text.substr(0, text.find('\0'));
}

std::string device_text(cl_device_id device, cl_device_info what) {
  std::size_t size = 0;
  check(clGetDeviceInfo(device, what, 0, nullptr, &size), "reading a device's name");
  std::string text(size, '\0');
  check(clGetDeviceInfo(device, what, size, text.data(), nullptr), "reading a device's name");
  return text.substr(0, text.find('\0'));
}

std::vector<PresentDevice> devices_of(cl_platform_id platform) {
  cl_uint count = 0;
  if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &count) != CL_SUCCESS) return {};  // a platform without devices
  std::vector<cl_device_id> ids(count);
  check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids.data(), nullptr), "listing a platform's devices");
  std::vector<PresentDevice> devices;
  for (cl_device_id id : ids) {
    devices.push_back(
        {id, platform_text(platform, CL_PLATFORM_NAME), device_text(id, CL_DEVICE_NAME), device_text(id, CL_DRIVER_VERSION)});
  }
  return devices;
}

// Keeps what drivers print while they start, and passes it on but for one line: Intel's runtime does not know other makers' processors and
// says so, each time, although barista/opencl/emulator.py tells it what this one can do.
class DriversTalk {
 public:
  DriversTalk() {
    std::fflush(stderr);
    kept_.reset(std::tmpfile());
    stderr_ = kept_ ? dup(STDERR_FILENO) : -1;
    if (stderr_ >= 0) dup2(fileno(kept_.get()), STDERR_FILENO);
  }
  ~DriversTalk() {
    if (stderr_ < 0) return;
    std::fflush(stderr);
    dup2(stderr_, STDERR_FILENO);
    close(stderr_);
    std::rewind(kept_.get());
    for (char line[4096]; std::fgets(line, sizeof line, kept_.get()) != nullptr;)
      if (!is_known(line)) std::fputs(line, stderr);
  }
  DriversTalk(const DriversTalk&) = delete;
  DriversTalk& operator=(const DriversTalk&) = delete;

 private:
  static bool is_known(const std::string& line) {
    return line == "\n" || line.rfind("SYCL CPU RT Warning: Unknown host CPU.", 0) == 0;
  }
  struct Closes {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Closes> kept_;
  int stderr_ = -1;
};

std::vector<PresentDevice> all_devices() {
  const DriversTalk talk;
  cl_uint count = 0;
  if (clGetPlatformIDs(0, nullptr, &count) != CL_SUCCESS) return {};  // the loader's way of saying: no driver at all
  std::vector<cl_platform_id> platforms(count);
  check(clGetPlatformIDs(count, platforms.data(), nullptr), "listing OpenCL platforms");
  std::vector<PresentDevice> devices;
  for (cl_platform_id platform : platforms) {
    for (PresentDevice& device : devices_of(platform)) devices.push_back(std::move(device));
  }
  return devices;
}

std::string built_for(const Bitstream& bitstream) {
  return "bitstream " + bitstream.path + ": built for " + bitstream.device + " (" + bitstream.platform + ")";
}

std::string listing(const std::vector<PresentDevice>& devices) {
  if (devices.empty()) return "and there is no OpenCL device at all; run 'barista doctor'";
  std::string text;
  for (const PresentDevice& device : devices) text += (text.empty() ? "" : ", ") + device.name + " (" + device.platform + ")";
  return "and these are present: " + text;
}

}  // namespace

std::string mend(const Bitstream& bitstream) { return "; rebuild it with 'barista build " + bitstream.recipe.name + "'"; }

void require_built_for(const Bitstream& bitstream, const PresentDevice& device) {
  if (device.platform != bitstream.platform || device.name != bitstream.device)
    throw Error(built_for(bitstream) + ", it can't run on " + device.name + " (" + device.platform + ")" + mend(bitstream));
  if (device.driver != bitstream.driver)
    throw Error(built_for(bitstream) + ", driver " + bitstream.driver + ", the driver here is " + device.driver + mend(bitstream));
}

PresentDevice choose(const Bitstream& bitstream, int index) {
  const std::vector<PresentDevice> present = all_devices();
  std::vector<PresentDevice> equals;
  for (const PresentDevice& device : present) {
    if (device.platform == bitstream.platform && device.name == bitstream.device) equals.push_back(device);
  }
  if (equals.empty()) throw Error(built_for(bitstream) + ", which is not present, " + listing(present));
  if (index < 0 || static_cast<std::size_t>(index) >= equals.size()) {
    throw Error(built_for(bitstream) + ", of which there are " + std::to_string(equals.size()) + ": number " +
                std::to_string(index) + " is not there (BARISTA_DEVICE_INDEX counts from 0)");
  }
  const PresentDevice& device = equals[static_cast<std::size_t>(index)];
  require_built_for(bitstream, device);
  return device;
}

}  // namespace barista::device
