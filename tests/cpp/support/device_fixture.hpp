// The device that a test runs on: the bitstream that BARISTA_BITSTREAM names, opened once a test program.
//
// A test without a device fails, with the sentence that says why: a suite that skips proves nothing.
#ifndef BARISTA_TESTS_SUPPORT_DEVICE_FIXTURE_HPP_
#define BARISTA_TESTS_SUPPORT_DEVICE_FIXTURE_HPP_

#include <gtest/gtest.h>

#include <memory>

#include "device/process.hpp"
#include "device/program.hpp"

namespace barista::testing {

class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      program_ = &open();
    } catch (const device::Error& error) {
      FAIL() << error.what();
    }
  }

  // All commands that the test enqueued end inside it, so that a failing one is its own.
  void TearDown() override {
    if (program_ != nullptr) device().finish();
  }

  device::Program& program() { return *program_; }
  device::Device& device() { return program_->device(); }

  // The program that the test runs by: one for all tests.
  virtual device::Program& open() {
    static device::Program& opened = [&]() -> device::Program& {
      const device::NamedBitstream named = device::named_by_environment();
      const device::Bitstream bitstream = device::Bitstream::open(named.path);
      device::Device& device = device::keep_open(std::make_unique<device::Device>(bitstream, named.device_index));
      return *new device::Program(device, bitstream);
    }();
    return opened;
  }

 private:
  device::Program* program_ = nullptr;
};

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_DEVICE_FIXTURE_HPP_
