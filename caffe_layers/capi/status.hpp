// How an entry point of the C interface says what went wrong: a status, and a sentence in memory of the caller's.
#ifndef BARISTA_CAPI_STATUS_HPP_
#define BARISTA_CAPI_STATUS_HPP_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <string>

namespace barista::capi {

// Copies `text` into `out` of `size` bytes, cut where it is longer, ended by a zero.
inline void copy_text(const std::string& text, char* out, std::size_t size) {
  if (out == nullptr || size == 0) return;
  const std::size_t length = std::min(text.size(), size - 1);
  std::memcpy(out, text.data(), length);
  out[length] = '\0';
}

// Runs `function`; 0, or 1 with the reason in `error`.
template <typename Function>
int status_of(const Function& function, char* error, std::size_t size) {
  try {
    function();
    return 0;
  } catch (const std::exception& failure) {
    copy_text(failure.what(), error, size);
    return 1;
  }
}

}  // namespace barista::capi

#endif  // BARISTA_CAPI_STATUS_HPP_
