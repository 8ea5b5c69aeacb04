// Kernels of a test's own, as a bitstream: compiled for the device that BARISTA_BITSTREAM names, then written to a folder and loaded
// like any other. Only tests compile anything in a process that runs it.
#ifndef BARISTA_TESTS_SUPPORT_TEST_PROGRAM_HPP_
#define BARISTA_TESTS_SUPPORT_TEST_PROGRAM_HPP_

#include <CL/cl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "device/bitstream.hpp"

namespace barista::testing {

inline std::string sha256(const std::string& bytes) {
  unsigned char digest[32];
  EVP_Digest(bytes.data(), bytes.size(), digest, nullptr, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned char byte : digest) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", byte);
    hex += two;
  }
  return hex;
}

// A folder that goes with its object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "barista-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder " + pattern);
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// The bitstream of BARISTA_BITSTREAM: the device under test.
inline device::Bitstream bitstream_under_test() {
  const char* path = std::getenv("BARISTA_BITSTREAM");
  if (path == nullptr) throw std::runtime_error("BARISTA_BITSTREAM is not set: run the test through ctest");
  return device::Bitstream::open(path);
}

namespace internal {

template <typename Id, typename Query>
std::string text(Id id, cl_uint what, Query query) {
  char buffer[512] = "";
  query(id, what, sizeof buffer, buffer, nullptr);
  return buffer;
}

inline cl_device_id find_device(const device::Bitstream& wanted) {
  cl_platform_id platforms[16];
  cl_uint platform_count = 0;
  clGetPlatformIDs(16, platforms, &platform_count);
  for (cl_uint p = 0; p < platform_count; ++p) {
    if (text(platforms[p], CL_PLATFORM_NAME, clGetPlatformInfo) != wanted.platform) continue;
    cl_device_id devices[16];
    cl_uint device_count = 0;
    clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, 16, devices, &device_count);
    for (cl_uint d = 0; d < device_count; ++d) {
      if (text(devices[d], CL_DEVICE_NAME, clGetDeviceInfo) == wanted.device) return devices[d];
    }
  }
  throw std::runtime_error("no device " + wanted.device);
}

inline std::string compile(cl_device_id device, const std::string& source) {
  cl_context context = clCreateContext(nullptr, 1, &device, nullptr, nullptr, nullptr);
  const char* text = source.c_str();
  cl_program program = clCreateProgramWithSource(context, 1, &text, nullptr, nullptr);
  if (clBuildProgram(program, 1, &device, "", nullptr, nullptr) != CL_SUCCESS)
    throw std::runtime_error("the test's kernels don't compile");
  std::size_t size = 0;
  clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, nullptr);
  std::string binary(size, '\0');
  char* bytes = binary.data();
  clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof bytes, &bytes, nullptr);
  clReleaseProgram(program);
  clReleaseContext(context);
  return binary;
}

}  // namespace internal

// A program of `source` in a folder of its own. Tests change `manifest` or `binary` and write() again to spoil it.
struct TestProgram {
  explicit TestProgram(const std::string& source, const std::vector<std::string>& kernels) {
    const device::Bitstream real = bitstream_under_test();
    binary = internal::compile(internal::find_device(real), source);
    manifest = {{"manifest_version", 1},
                {"recipe",
                 {{"name", "test"},
                  {"description", "For a test."},
                  {"board", nullptr},
                  {"target", "none"},
                  {"number_format", {{"storage", "float"}, {"accumulate", "float"}}},
                  {"compute_units", 2},
                  {"pe_rows", 1},
                  {"pe_columns", 16},
                  {"pe_depth", 1},
                  {"x_words", 1},
                  {"vec_words", 1},
                  {"acc_words", 1},
                  {"acc_distance", 1},
                  {"load_words", 1},
                  {"lanes", 16},
                  {"function_lanes", 8}}},
                {"platform", real.platform},
                {"device", real.device},
                {"driver", real.driver},
                {"binary_sha256", sha256(binary)},
                {"kernels", nlohmann::json::array()}};
    for (const std::string& name : kernels) manifest["kernels"].push_back({{"name", name}, {"arguments", nlohmann::json::array()}});
    write();
  }

  void write() const {
    write_file(path(), binary);
    write_file(manifest_path(), manifest.dump());
  }
  std::string path() const { return folder.file("test.aocx"); }
  std::string manifest_path() const { return folder.file("test.json"); }

  TemporaryFolder folder;
  std::string binary;
  nlohmann::json manifest;
};

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_TEST_PROGRAM_HPP_
