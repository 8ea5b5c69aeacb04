// The device of tests with Caffe's layers: that of the process's default program, by which they run.
#ifndef BARISTA_TESTS_SUPPORT_CAFFE_FIXTURE_HPP_
#define BARISTA_TESTS_SUPPORT_CAFFE_FIXTURE_HPP_

#include "layers/programs.hpp"
#include "support/device_fixture.hpp"

namespace barista::testing {

class CaffeTest : public DeviceTest {
 protected:
  device::Program& open() override { return layers::Programs::of_process().standard(); }
};

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_CAFFE_FIXTURE_HPP_
