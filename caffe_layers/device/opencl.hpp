// What device/ adds to OpenCL's C interface: counted references, and errors as sentences. For device/ alone.
#ifndef BARISTA_DEVICE_OPENCL_HPP_
#define BARISTA_DEVICE_OPENCL_HPP_

#include <CL/cl.h>

#include <atomic>
#include <string>
#include <utility>

#include "device/error.hpp"

namespace barista::device {

// Set when the process begins to exit: from then on the OpenCL library may be gone, and nothing is given back to it.
inline std::atomic<bool> exiting{false};

inline const char* name_of(cl_int status) {
  switch (status) {
    case CL_DEVICE_NOT_AVAILABLE:
      return "CL_DEVICE_NOT_AVAILABLE";
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
      return "CL_MEM_OBJECT_ALLOCATION_FAILURE";
    case CL_OUT_OF_RESOURCES:
      return "CL_OUT_OF_RESOURCES";
    case CL_OUT_OF_HOST_MEMORY:
      return "CL_OUT_OF_HOST_MEMORY";
    case CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST:
      return "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST";
    case CL_BUILD_PROGRAM_FAILURE:
      return "CL_BUILD_PROGRAM_FAILURE";
    case CL_INVALID_BINARY:
      return "CL_INVALID_BINARY";
    case CL_INVALID_BUFFER_SIZE:
      return "CL_INVALID_BUFFER_SIZE";
    case CL_INVALID_KERNEL_NAME:
      return "CL_INVALID_KERNEL_NAME";
    case CL_INVALID_ARG_VALUE:
      return "CL_INVALID_ARG_VALUE";
    case CL_INVALID_ARG_SIZE:
      return "CL_INVALID_ARG_SIZE";
    case CL_INVALID_KERNEL_ARGS:
      return "CL_INVALID_KERNEL_ARGS";
    case CL_INVALID_MEM_OBJECT:
      return "CL_INVALID_MEM_OBJECT";
    default:
      return "an OpenCL error";
  }
}

inline void check(cl_int status, const std::string& what) {
  if (status == CL_SUCCESS) return;
  throw Error(what + ": the OpenCL runtime answers " + name_of(status) + " (" + std::to_string(status) + ")");
}

// A counted reference to an OpenCL object.
template <typename T, cl_int (*retain)(T), cl_int (*release)(T)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(T owned) : object_(owned) {}
  Handle(const Handle& other) : object_(other.object_) {
    if (object_ != nullptr) retain(object_);
  }
  Handle(Handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Handle() {
    if (object_ != nullptr && !exiting) release(object_);
  }
  T get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  T object_ = nullptr;
};

using ContextHandle = Handle<cl_context, clRetainContext, clReleaseContext>;
using QueueHandle = Handle<cl_command_queue, clRetainCommandQueue, clReleaseCommandQueue>;
using ProgramHandle = Handle<cl_program, clRetainProgram, clReleaseProgram>;
using MemoryHandle = Handle<cl_mem, clRetainMemObject, clReleaseMemObject>;
using EventHandle = Handle<cl_event, clRetainEvent, clReleaseEvent>;
using KernelHandle = Handle<cl_kernel, clRetainKernel, clReleaseKernel>;

}  // namespace barista::device

#endif  // BARISTA_DEVICE_OPENCL_HPP_
