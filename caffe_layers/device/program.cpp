#include "device/program.hpp"

#include <mutex>
#include <utility>

#include "device/device_state.hpp"
#include "device/program_state.hpp"

namespace barista::device {
namespace {

ProgramHandle load(const Bitstream& bitstream, cl_context context, cl_device_id device) {
  const std::size_t size = bitstream.binary.size();
  const unsigned char* bytes = bitstream.binary.data();
  cl_int accepted = CL_SUCCESS;
  cl_int status = CL_SUCCESS;
  ProgramHandle program(clCreateProgramWithBinary(context, 1, &device, &size, &bytes, &accepted, &status));
  if (status == CL_SUCCESS) status = accepted;
  // The binary is built; PoCL asks for this option again when it runs.
  if (status == CL_SUCCESS) status = clBuildProgram(program.get(), 1, &device, "-cl-denorms-are-zero", nullptr, nullptr);
  if (status != CL_SUCCESS) {
    throw Error("bitstream " + bitstream.path + ": " + bitstream.device + " does not take it as a program (" + name_of(status) +
                ")" + mend(bitstream));
  }
  return program;
}

std::unordered_map<std::string, Kernel> make_kernels(const Bitstream& bitstream, cl_program program) {
  std::unordered_map<std::string, Kernel> kernels;
  for (const std::string& name : bitstream.kernels) {
    cl_int status = CL_SUCCESS;
    Kernel kernel;
    kernel.handle = KernelHandle(clCreateKernel(program, name.c_str(), &status));
    if (status != CL_SUCCESS) {
      throw Error("bitstream " + bitstream.path + ": its manifest names the kernel " + name + ", its program has none" +
                  mend(bitstream));
    }
    check(clGetKernelInfo(kernel.handle.get(), CL_KERNEL_NUM_ARGS, sizeof kernel.arguments, &kernel.arguments, nullptr),
          "reading the arguments of kernel " + name);
    kernels.emplace(name, std::move(kernel));
  }
  return kernels;
}

}  // namespace

const Kernel& ProgramState::require(const Launch& launch) const {
  const auto found = kernels.find(launch.kernel);
  if (found == kernels.end()) {
    throw Error("kernel " + launch.kernel + ": bitstream " + bitstream.path + " has none of that name" + mend(bitstream));
  }
  if (launch.unit < 0 || launch.unit >= bitstream.recipe.compute_units) {
    throw Error("kernel " + launch.kernel + ": compute unit " + std::to_string(launch.unit) + " of recipe " +
                bitstream.recipe.name + ", whose units are 0 to " + std::to_string(bitstream.recipe.compute_units - 1));
  }
  const Kernel& kernel = found->second;
  if (launch.arguments.size() != kernel.arguments) {
    throw Error("kernel " + launch.kernel + ": " + std::to_string(launch.arguments.size()) + " arguments given, it takes " +
                std::to_string(kernel.arguments) + mend(bitstream));
  }
  return kernel;
}

cl_kernel ProgramState::with_arguments(const Launch& launch) const {
  const Kernel& kernel = require(launch);
  for (std::size_t i = 0; i < launch.arguments.size(); ++i) set_argument(launch, kernel.handle.get(), i);
  return kernel.handle.get();
}

void ProgramState::set_argument(const Launch& launch, cl_kernel kernel, std::size_t index) const {
  const Argument& argument = launch.arguments[index];
  const auto described = [&] { return "kernel " + launch.kernel + ": argument " + std::to_string(index); };
  if (!argument.is_value()) {
    if (argument.buffer_ == nullptr) throw Error(described() + " is a buffer without memory; allocate it first");
    if (&argument.buffer_->device != &device) {
      throw Error(described() + " is a buffer on another device (" + argument.buffer_->device.name() + "), the kernel runs on " +
                  device.name() + "; copy it by way of the host");
    }
  }
  const cl_mem memory = argument.is_value() ? nullptr : argument.buffer_->memory.get();
  const std::size_t size = argument.is_value() ? argument.value_.size() : sizeof memory;
  const void* value = argument.is_value() ? static_cast<const void*>(argument.value_.data()) : &memory;
  const cl_int status = clSetKernelArg(kernel, static_cast<cl_uint>(index), size, value);
  if (status == CL_SUCCESS) return;
  check(status, described() + " of " + std::to_string(size) + " bytes");
}

Program::Program(Device& device, const Bitstream& bitstream) : state_(std::make_shared<ProgramState>(device, bitstream)) {
  DeviceState& on = *device.state_;
  require_built_for(bitstream, on.present);
  state_->program = load(bitstream, on.context.get(), on.present.id);
  state_->bitstream.binary = {};
  state_->kernels = make_kernels(bitstream, state_->program.get());
  const std::lock_guard<std::mutex> lock(on.mutex);
  on.require_units(static_cast<std::size_t>(bitstream.recipe.compute_units));
  on.start_memory.release();
}

// A deferred launch keeps the state until it is enqueued; OpenCL keeps what the commands under way need.
Program::~Program() = default;

Device& Program::device() const { return state_->device; }
const Recipe& Program::recipe() const { return state_->bitstream.recipe; }
const Bitstream& Program::bitstream() const { return state_->bitstream; }

void Program::launch(const std::vector<Launch>& group) {
  DeviceState& on = *state_->device.state_;
  const std::lock_guard<std::mutex> lock(on.mutex);
  on.release();
  on.launch(*state_, group);
  on.counters.launches += group.size();
}

void Program::launch_deferred(DeferredLaunch launch) {
  DeviceState& on = *state_->device.state_;
  const std::lock_guard<std::mutex> lock(on.mutex);
  on.release();
  on.defer(state_, std::move(launch));
}

bool Program::fuse(const Buffer& dst, const std::function<std::optional<PostOps>(const DeferredLaunch&)>& with) {
  DeviceState& on = *state_->device.state_;
  std::optional<DeviceState::Deferred> taken;
  {
    const std::lock_guard<std::mutex> lock(on.mutex);
    if (!on.deferred || on.deferred->program != state_ || !on.deferred->launch.dst.is_of(dst)) return false;
    taken = std::exchange(on.deferred, std::nullopt);
  }
  const auto defer_again = [&](bool fused) {
    const std::lock_guard<std::mutex> lock(on.mutex);
    on.release();
    on.counters.fused += fused ? 1 : 0;
    on.deferred = std::move(taken);
  };
  bool fused = false;
  try {
    if (std::optional<PostOps> post_ops = with(taken->launch)) {  // without the lock: it may launch
      taken->launch.post_ops = std::move(*post_ops);
      taken->group = taken->launch.launches(taken->launch.post_ops, taken->launch.dst);
      fused = true;
    }
  } catch (...) {
    defer_again(false);
    throw;
  }
  defer_again(fused);
  return fused;
}

}  // namespace barista::device
