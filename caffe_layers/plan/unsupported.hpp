// What a plan throws for a shape that the hardware can't take: a sentence with the shape, its value and the rule. Stock Caffe then runs the
// layer. It is another thing than device::Error, a failure of the device, after which nothing may go on in silence.
#ifndef BARISTA_PLAN_UNSUPPORTED_HPP_
#define BARISTA_PLAN_UNSUPPORTED_HPP_

#include <stdexcept>

namespace barista::plan {

class Unsupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace barista::plan

#endif  // BARISTA_PLAN_UNSUPPORTED_HPP_
