#include "ops/softmax.hpp"

#include "ops/launches.hpp"

namespace barista::ops {

using device::Argument;

Softmax::Softmax(device::Program& program, const ClassAxis& axis) : program_(program), axis_(axis) {
  plan::validate(axis, "softmax");
  forward_ = plan::plan_softmax_forward(program.recipe(), axis, /*labels=*/false);
  backward_ = plan::plan_softmax_backward(program.recipe(), axis);
  no_parts_ = program.device().allocate(sizeof(loss_part));
}

void Softmax::forward(const device::Buffer& src, device::Buffer& dst) {
  const label_rule no_labels = {0, 0, 0};
  // src stands in for the labels too, which are not looked at.
  launch(program_, "softmax_forward_",
         {Argument::in(src), Argument::in(src), Argument::out(dst), Argument::out(no_parts_), Argument::value(axis_),
          Argument::value(no_labels)},
         forward_.units);
}

void Softmax::backward(const device::Buffer& dst, const device::Buffer& diff_dst, device::Buffer& diff_src) {
  launch(program_, "softmax_backward_",
         {Argument::in(dst), Argument::in(diff_dst), Argument::out(diff_src), Argument::value(axis_)}, backward_.units);
}

}  // namespace barista::ops
