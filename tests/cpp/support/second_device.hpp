// The second of two equal devices: on_device.py --two-devices.
#ifndef BARISTA_TESTS_SUPPORT_SECOND_DEVICE_HPP_
#define BARISTA_TESTS_SUPPORT_SECOND_DEVICE_HPP_

namespace barista::testing {

inline constexpr int kSecondDevice = 1;

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_SECOND_DEVICE_HPP_
