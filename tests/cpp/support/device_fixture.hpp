// The device that a test runs on: the bitstream that BARISTA_BITSTREAM names, opened once a program.
//
// A test without a device fails, with the sentence that says why: a suite that skips proves nothing.
#ifndef BARISTA_TESTS_SUPPORT_DEVICE_FIXTURE_HPP_
#define BARISTA_TESTS_SUPPORT_DEVICE_FIXTURE_HPP_

#include <gtest/gtest.h>

#include "device/device_manager.hpp"

namespace barista::testing {

class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      manager_ = &device::DeviceManager::instance();
    } catch (const device::Error& error) {
      FAIL() << error.what();
    }
  }

  // All commands that the test enqueued end inside it, so that a failing one is its own.
  void TearDown() override {
    if (manager_ != nullptr) manager_->finish();
  }

  device::DeviceManager& manager() { return *manager_; }

 private:
  device::DeviceManager* manager_ = nullptr;
};

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_DEVICE_FIXTURE_HPP_
