// What device/ and whatever works through it throws where the device failed or was misused: a sentence with the object, its value, the
// rule and what to type. A shape that the hardware can't take is another thing (plan/unsupported.hpp): after this error nothing goes on in
// silence.
#ifndef BARISTA_DEVICE_ERROR_HPP_
#define BARISTA_DEVICE_ERROR_HPP_

#include <stdexcept>

namespace barista::device {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_ERROR_HPP_
