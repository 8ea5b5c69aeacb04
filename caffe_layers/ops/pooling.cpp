#include "ops/pooling.hpp"

#include <vector>

#include "ops/elementwise.hpp"
#include "ops/launches.hpp"

namespace barista::ops {
namespace {

// A pass and its tiles on the device.
struct DevicePass {
  pooling_problem problem;
  std::vector<pooling_range> units;
  device::Buffer tiles;

  DevicePass(device::Program& program, const plan::PoolingPass& pass)
      : problem(pass.problem), units(pass.units), tiles(program.device().allocate(pass.tiles.size() * sizeof(pooling_tile))) {
    program.device().upload(tiles, pass.tiles.data(), tiles.bytes());
  }
};

// Above 0 and up to 1, in steps of 2^-24.
void random_numbers(device::Program& program, std::uint32_t key, device::Buffer& dst, int count) {
  elementwise_function f = {};
  f.function = ELEMENTWISE_UNIFORM;
  f.scale = 1.0F / (1 << 24);
  f.key = key;
  launch_elementwise(program, f, {}, dst, count);
}

}  // namespace

struct Pooling::Impl {
  device::Program& program;
  PoolingMethod method;
  DevicePass forward, backward;
  device::Buffer no_winners;  // what the kernels are handed where nothing wins

  int results() const { return forward.problem.planes * forward.problem.out_height * forward.problem.out_width; }
  bool wins() const { return method == PoolingMethod::kMaximum || method == PoolingMethod::kStochastic; }

  void launch(const char* kernel, const DevicePass& pass, const std::vector<device::Argument>& buffers) const {
    std::vector<device::Argument> arguments = buffers;
    arguments.push_back(device::Argument::in(pass.tiles));
    arguments.push_back(device::Argument::value(pass.problem));
    ops::launch(program, kernel, arguments, pass.units);
  }
};

Pooling::Pooling(device::Program& program, const PoolingShape& shape, PoolingMethod method) {
  const plan::PoolingPlan plan = plan::plan_pooling(program.recipe(), shape, method);
  impl_.reset(new Impl{program, method, DevicePass(program, plan.forward), DevicePass(program, plan.backward),
                       program.device().allocate(sizeof(float))});
}

Pooling::~Pooling() = default;

// A stochastic pooling finds its random numbers where its winners go.
void Pooling::forward(const device::Buffer& src, device::Buffer& dst, device::Buffer& winners, std::uint32_t key) {
  const bool stochastic = impl_->method == PoolingMethod::kStochastic;
  if (stochastic) random_numbers(impl_->program, key, winners, impl_->results());
  device::Argument of_winners = device::Argument::in(impl_->no_winners);
  if (impl_->wins()) of_winners = stochastic ? device::Argument::inout(winners) : device::Argument::out(winners);
  impl_->launch("pooling_forward_", impl_->forward, {device::Argument::in(src), device::Argument::out(dst), of_winners});
}

void Pooling::backward(const device::Buffer& diff_dst, const device::Buffer& winners, device::Buffer& diff_src) {
  impl_->launch("pooling_backward_", impl_->backward,
                {device::Argument::in(diff_dst), device::Argument::in(impl_->wins() ? winners : impl_->no_winners),
                 device::Argument::out(diff_src)});
}

}  // namespace barista::ops
