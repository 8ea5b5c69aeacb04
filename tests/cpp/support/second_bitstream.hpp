// A second bitstream, of another recipe: on_device.py --and-of.
#ifndef BARISTA_TESTS_SUPPORT_SECOND_BITSTREAM_HPP_
#define BARISTA_TESTS_SUPPORT_SECOND_BITSTREAM_HPP_

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace barista::testing {

inline std::string second_bitstream() {
  const char* path = std::getenv("BARISTA_SECOND_BITSTREAM");
  if (path == nullptr) throw std::runtime_error("BARISTA_SECOND_BITSTREAM is not set: run the test through ctest");
  return path;
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_SECOND_BITSTREAM_HPP_
