// A sentence for every refusal.
#ifndef BARISTA_TESTS_SUPPORT_REFUSAL_HPP_
#define BARISTA_TESTS_SUPPORT_REFUSAL_HPP_

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "device/error.hpp"

namespace barista::testing {

// One sentence with every one of `parts` in it.
inline void expect_refusal(const std::function<void()>& work, const std::vector<std::string>& parts) {
  try {
    work();
    ADD_FAILURE() << "nothing was refused; expected: " << ::testing::PrintToString(parts);
  } catch (const device::Error& error) {
    const std::string sentence = error.what();
    for (const std::string& part : parts)
      EXPECT_NE(sentence.find(part), std::string::npos) << "no '" << part << "' in: " << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
  }
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_REFUSAL_HPP_
