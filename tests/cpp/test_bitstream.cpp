// Bitstreams that can't be: a sentence for every refusal.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "device/program.hpp"
#include "support/own_kernels.hpp"
#include "support/refusal.hpp"

namespace barista::testing {
namespace {

class BitstreamRefusal : public ::testing::Test {
 protected:
  // A good bitstream, to be spoiled.
  TestProgram program_{kOwnKernels, kOwnKernelNames};

  void expect(const std::vector<std::string>& parts) {
    std::vector<std::string> all = parts;
    all.push_back(program_.path());
    expect_refusal([&] { open(); }, all);
  }
  void open() const {
    const device::Bitstream bitstream = device::Bitstream::open(program_.path());
    device::Device device(bitstream, index_);
    const device::Program program(device, bitstream);
  }
  int index_ = 0;
};

TEST_F(BitstreamRefusal, NothingWhenItIsGood) { open(); }

TEST_F(BitstreamRefusal, NoBinary) {
  std::filesystem::remove(program_.path());
  expect({"missing", "barista build"});
}

TEST_F(BitstreamRefusal, NoManifest) {
  std::filesystem::remove(program_.manifest_path());
  expect({program_.manifest_path(), "missing", "barista build"});
}

TEST_F(BitstreamRefusal, AFolder) {
  std::filesystem::remove(program_.path());
  std::filesystem::create_directory(program_.path());
  expect({"unreadable"});
}

TEST_F(BitstreamRefusal, CutShort) {
  program_.binary.resize(program_.binary.size() / 2);
  program_.write();
  expect({"corrupt", "SHA-256", "barista build test"});
}

TEST_F(BitstreamRefusal, OneBitWrong) {
  program_.binary[program_.binary.size() / 2] ^= 1;
  program_.write();
  expect({"corrupt", "barista build test"});
}

TEST_F(BitstreamRefusal, NotAProgram) {
  program_.binary = "no program at all";
  program_.manifest["binary_sha256"] = sha256(program_.binary);
  program_.write();
  expect({"barista build test"});
}

TEST_F(BitstreamRefusal, ManifestNotJson) {
  write_file(program_.manifest_path(), "{\"manifest_version\": 1,\n\"reci");
  expect({program_.manifest_path(), "can't be read", "barista build"});
}

TEST_F(BitstreamRefusal, ManifestOfAnotherVersion) {
  program_.manifest["manifest_version"] = 2;
  program_.write();
  expect({"version 2", "version 1", "barista build"});
}

TEST_F(BitstreamRefusal, ManifestWithoutAField) {
  for (const char* field : {"manifest_version", "recipe", "platform", "device", "driver", "binary_sha256", "kernels"}) {
    const auto whole = program_.manifest;
    program_.manifest.erase(field);
    program_.write();
    expect({field, "barista build"});
    program_.manifest = whole;
  }
}

TEST_F(BitstreamRefusal, ManifestWithANumberForAName) {
  program_.manifest["device"] = 7;
  program_.write();
  expect({"can't be read", "string"});
}

TEST_F(BitstreamRefusal, RecipeOutOfRange) {
  program_.manifest["recipe"]["pe_rows"] = 0;
  program_.write();
  expect({"pe_rows = 0", "from 1 to"});
}

TEST_F(BitstreamRefusal, AnotherDevice) {
  program_.manifest["device"] = "pac_a10";
  program_.write();
  expect({"pac_a10", "not present", bitstream_under_test().device});
}

TEST_F(BitstreamRefusal, AnotherDriver) {
  program_.manifest["driver"] = "1.2.3";
  program_.write();
  expect({"1.2.3", bitstream_under_test().driver, "barista build test"});
}

TEST_F(BitstreamRefusal, ADeviceNumberThatIsNotThere) {
  index_ = 40;
  expect({"number 40", "BARISTA_DEVICE_INDEX"});
  index_ = -1;
  expect({"number -1"});
}

TEST_F(BitstreamRefusal, AKernelThatTheProgramLacks) {
  program_.manifest["kernels"].push_back({{"name", "transpose"}});
  program_.write();
  expect({"transpose", "barista build test"});
}

}  // namespace
}  // namespace barista::testing
