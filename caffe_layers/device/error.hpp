// The one exception below the layers: a sentence with the object, its value, the rule and the mend.
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
