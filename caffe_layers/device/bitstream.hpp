// A device binary and the manifest beside it: what `barista build` made, and for which device.
//
// NAME.aocx is the program binary, NAME.json the manifest. The recipe inside the manifest is the only place from which the host
// learns tile sizes: they are the values with which the kernels were compiled.
#ifndef BARISTA_DEVICE_BITSTREAM_HPP_
#define BARISTA_DEVICE_BITSTREAM_HPP_

#include <string>
#include <vector>

#include "device/error.hpp"

namespace barista::device {

// The hardware's configuration; field by field what bitstreams/*.json says, where each is explained.
struct Recipe {
  std::string name;
  int compute_units = 0;
  int pe_rows = 0;
  int pe_columns = 0;
  int pe_depth = 0;
  int x_words = 0;
  int vec_words = 0;
  int acc_words = 0;
  int acc_distance = 0;
  int load_words = 0;
  int lanes = 0;
};

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
