#include "memory/python_views.hpp"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>

#include "memory/views.hpp"

namespace barista::memory {
namespace {

// An expression, so that no name is left in the script's own module. While caffe is not imported there are no views.
constexpr char kTrack[] =
    "'caffe._caffe' in __import__('sys').modules and "
    "__import__('runpy').run_path(__import__('os').environ['BARISTA_VIEWS'])['track']"
    "(__import__('sys').modules['caffe._caffe'])";

// Python's own functions, where it is in the process: the plugin is linked without it.
template <typename Function>
Function* python(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

// Nobody can be told, or somebody was.
std::atomic<bool> done = std::getenv("BARISTA_VIEWS") == nullptr;

}  // namespace

void views_are_told() { done = true; }

void have_views_told(const void* host) {
  if (done) return;
  static auto* const is_initialized = python<int()>("Py_IsInitialized");
  static auto* const has_lock = python<int()>("PyGILState_Check");
  static auto* const run = python<int(const char*)>("PyRun_SimpleString");
  if (is_initialized == nullptr || has_lock == nullptr || run == nullptr) {
    done = true;
  } else if (is_initialized() != 0 && has_lock() != 0) {
    if (run(kTrack) != 0) done = true;  // Python has said why, on standard error
    if (done) begin_view(host);
  }
}

}  // namespace barista::memory
