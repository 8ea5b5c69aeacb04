// A device binary and the manifest beside it: what `barista build` made, and for which device.
//
// NAME.aocx is the program binary, NAME.json the manifest. The recipe inside the manifest (plan/recipe.hpp) is what
// its kernels were compiled with.
#ifndef BARISTA_DEVICE_BITSTREAM_HPP_
#define BARISTA_DEVICE_BITSTREAM_HPP_

#include <string>
#include <vector>

#include "device/error.hpp"
#include "plan/recipe.hpp"

namespace barista::device {

using plan::Recipe;

struct Bitstream {
  std::string path;  // of the binary
  Recipe recipe;
  std::string platform;
  std::string device;
  std::string driver;
  std::vector<std::string> kernels;
  std::vector<unsigned char> binary;

  // Reads binary and manifest, and checks the binary's SHA-256 and the manifest's version. Throws device::Error: object, value,
  // rule, and what to type.
  static Bitstream open(const std::string& path);
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_BITSTREAM_HPP_
