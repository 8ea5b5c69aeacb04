#include "training/random_state.hpp"

#include <boost/random/mersenne_twister.hpp>
#include <cstddef>
#include <cstdlib>
#include <sstream>

#include "caffe/common.hpp"
#include "caffe/util/rng.hpp"

namespace barista::training {
namespace {

constexpr unsigned int kDefaultSeed = 1;  // ISO C: rand() without srand() is rand() after srand(1)
constexpr std::size_t kStateBytes = 128;  // the size that glibc's rand() uses unless told

// Two buffers: while rand() runs on the second, the first holds its whole state, the position included. They stay valid as long as
// the process lives, since rand() may be called that long.
alignas(8) char c_state[kStateBytes];
alignas(8) char c_spare[kStateBytes];

}  // namespace

std::string caffe_random_state() {
  std::ostringstream text;
  text << *caffe::caffe_rng();
  return text.str();
}

void restore_caffe_random_state(const std::string& text) {
  // The generator's operator>> skips white space after the last number, which fails at the end of the text.
  std::istringstream stream(text + " ");
  stream >> *caffe::caffe_rng();
  CHECK(!stream.fail()) << "Random state of Caffe: not readable";
}

void reset_c_random() {
  initstate(kDefaultSeed, c_spare, kStateBytes);
  initstate(kDefaultSeed, c_state, kStateBytes);
}

std::string c_random_state() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  setstate(c_spare);
  for (const char byte : c_state) {
    hex += kDigits[static_cast<unsigned char>(byte) >> 4];
    hex += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  setstate(c_state);
  return hex;
}

void restore_c_random_state(const std::string& hex) {
  CHECK_EQ(hex.size(), 2 * kStateBytes) << "Random state of rand(): wrong length";
  setstate(c_spare);
  for (std::size_t i = 0; i < kStateBytes; ++i) {
    c_state[i] = static_cast<char>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  }
  setstate(c_state);
}

}  // namespace barista::training
