// Plans, and the version of the interface: what libbarista_plan.so is made of, and part of libbarista.so. What each function does, barista.h
// says.
#include <string>

#include "capi/barista.h"
#include "capi/status.hpp"
#include "plan/operations.hpp"

int barista_version() { return BARISTA_ABI_VERSION; }

const char* barista_plan(const char* recipe, const char* operations, char* error, std::size_t size) {
  thread_local std::string text;
  const int status = barista::capi::status_of([&] { text = barista::plan::plan_operations(recipe, operations); }, error, size);
  return status == 0 ? text.c_str() : nullptr;
}
