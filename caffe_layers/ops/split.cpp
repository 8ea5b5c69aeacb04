#include "ops/split.hpp"

#include "ops/copy.hpp"
#include "ops/launches.hpp"

namespace barista::ops {
namespace {

using device::Argument;

void add(device::DeviceManager& manager, const Argument& a, const Argument& b, device::Buffer& dst, int count) {
  launch(manager, "split_backward_", {a, b, Argument::out(dst), Argument::value(count)},
         plan::plan_add(manager.recipe(), count).units);
}

}  // namespace

void split_backward(device::DeviceManager& manager, const std::vector<const device::Buffer*>& diff_dsts, device::Buffer& diff_src,
                    int count) {
  if (count < 1) return;
  if (diff_dsts.size() == 1) return manager.launch(copy_launches(manager, *diff_dsts[0], diff_src, {1, count, 0, count, 0, count}));
  add(manager, Argument::in(*diff_dsts[0]), Argument::in(*diff_dsts[1]), diff_src, count);
  for (std::size_t i = 2; i < diff_dsts.size(); i++)
    add(manager, Argument::in(diff_src), Argument::in(*diff_dsts[i]), diff_src, count);
}

}  // namespace barista::ops
