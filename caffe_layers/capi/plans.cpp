// Plans, through C: what operations cost on a recipe's hardware. All that libbarista_plan.so has, which needs neither a device nor Caffe.
#include <algorithm>
#include <cstring>
#include <exception>
#include <string>

#include "plan/operations.hpp"

// What operations cost on the hardware of a recipe. plan/operations.hpp says what `recipe` and `operations`, both JSON, hold and what is
// returned, which is valid until the same thread's next call; or null with a sentence in `error` (at most `size` bytes with the zero at its
// end). A shape that the recipe can't take is an answer and no error.
extern "C" __attribute__((visibility("default"))) const char* barista_plan(const char* recipe, const char* operations, char* error,
                                                                           std::size_t size) {
  thread_local std::string text;
  try {
    text = barista::plan::plan_operations(recipe, operations);
    return text.c_str();
  } catch (const std::exception& failure) {
    if (error != nullptr && size > 0) {
      const std::size_t length = std::min(std::strlen(failure.what()), size - 1);
      std::memcpy(error, failure.what(), length);
      error[length] = '\0';
    }
    return nullptr;
  }
}
