#include "ops/softmax.hpp"

#include "ops/launches.hpp"

namespace barista::ops {

using device::Argument;

Softmax::Softmax(device::DeviceManager& manager, const ClassAxis& axis) : manager_(manager), axis_(axis) {
  plan::validate(axis, "softmax");
  forward_ = plan::plan_softmax_forward(manager.recipe(), axis, /*labels=*/false);
  backward_ = plan::plan_softmax_backward(manager.recipe(), axis);
  no_parts_ = manager.allocate(sizeof(loss_part));
}

void Softmax::forward(const device::Buffer& src, device::Buffer& dst) {
  const label_rule no_labels = {0, 0, 0};
  // src stands in for the labels too, which are not looked at.
  launch(manager_, "softmax_forward_",
         {Argument::in(src), Argument::in(src), Argument::out(dst), Argument::out(no_parts_), Argument::value(axis_),
          Argument::value(no_labels)},
         forward_.units);
}

void Softmax::backward(const device::Buffer& dst, const device::Buffer& diff_dst, device::Buffer& diff_src) {
  launch(manager_, "softmax_backward_",
         {Argument::in(dst), Argument::in(diff_dst), Argument::out(diff_src), Argument::value(axis_)}, backward_.units);
}

}  // namespace barista::ops
