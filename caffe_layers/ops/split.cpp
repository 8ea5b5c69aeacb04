#include "ops/split.hpp"

#include "ops/copy.hpp"
#include "ops/launches.hpp"

namespace barista::ops {
namespace {

using device::Argument;

void add(device::Program& program, const Argument& a, const Argument& b, device::Buffer& dst, int count) {
  launch(program, "split_backward_", {a, b, Argument::out(dst), Argument::value(count)},
         plan::plan_add(program.recipe(), count).units);
}

}  // namespace

void split_backward(device::Program& program, const std::vector<const device::Buffer*>& diff_dsts, device::Buffer& diff_src,
                    int count) {
  if (count < 1) return;
  if (diff_dsts.size() == 1) return program.launch(copy_launches(program, *diff_dsts[0], diff_src, {1, count, 0, count, 0, count}));
  add(program, Argument::in(*diff_dsts[0]), Argument::in(*diff_dsts[1]), diff_src, count);
  for (std::size_t i = 2; i < diff_dsts.size(); i++)
    add(program, Argument::in(diff_src), Argument::in(*diff_dsts[i]), diff_src, count);
}

}  // namespace barista::ops
