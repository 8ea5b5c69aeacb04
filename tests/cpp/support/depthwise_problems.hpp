// Depthwise convolutions that the tests of the kernels and of their plans share.
#ifndef BARISTA_TESTS_SUPPORT_DEPTHWISE_PROBLEMS_HPP_
#define BARISTA_TESTS_SUPPORT_DEPTHWISE_PROBLEMS_HPP_

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "support/shapes.hpp"

namespace barista::testing {

// Written as convolutions are (tests/support/shapes.py), but for outputs and groups, which are as many as channels.
inline plan::ConvolutionShape parse_depthwise(const std::string& text) {
  const auto f = parse_fields(text);
  const int c = f.at("c");
  return {f.at("n"),  c,          f.at("h"),  f.at("w"),  c,          f.at("kh"), f.at("kw"),
          f.at("sh"), f.at("sw"), f.at("ph"), f.at("pw"), f.at("dh"), f.at("dw"), c};
}

// Ragged and whole vectors and lanes, lanes that span images, every stride, padding and dilation that parts phases otherwise,
// planes that are cut into bands and into columns, and kernels that are cut. The largest first: what a device writes to a
// buffer in the place of a smaller one, which is gone, oclgrind takes for unwritten.
inline std::vector<std::string> depthwise_problems() {
  std::vector<std::string> all = {"n1c17h30w30kh3kw3sh1sw1ph1pw1dh1dw1",  // two bands, seventeen channels
                                  "n3c6h9w10kh3kw3sh2sw2ph1pw1dh1dw1",    // lanes of two images
                                  "n1c2h11w14kh3kw5sh3sw2ph2pw1dh2dw3",   // all at once
                                  "n2c3h5w6kh1kw1sh2sw3ph0pw0dh1dw1",     // pixels that no tap reaches
                                  "n1c1h1w1kh1kw1sh1sw1ph0pw0dh1dw1"};
  if (std::getenv("BARISTA_TEST_SHAPES") != nullptr) return all;  // a device that checks every instruction
  for (const int kernel : {1, 2, 3, 4, 5, 7})
    for (const int stride : {1, 2, 3, 4})
      for (const int dilation : {1, 2, 3, 4}) {
        const int pad = dilation * (kernel / 2);
        const auto axis = [](char name, int k, int s, int p, int d) {
          std::ostringstream text;
          text << 'k' << name << k << 's' << name << s << 'p' << name << p << 'd' << name << d;
          return text.str();
        };
        std::ostringstream square, tall, wide;
        square << "n2c19h17w23" << axis('h', kernel, stride, pad, dilation) << axis('w', kernel, stride, pad, dilation);
        tall << "n1c3h31w29" << axis('h', kernel, stride, 0, dilation) << axis('w', 3, 1, 2, 1);
        wide << "n5c4h20w31" << axis('h', 3, 1, 3, 1) << axis('w', kernel, stride, 0, dilation);
        all.insert(all.end(), {square.str(), tall.str(), wide.str()});
      }
  for (const char* text :
       {"n4c32h14w14kh3kw3sh1sw1ph1pw1dh1dw1", "n4c32h7w7kh3kw3sh1sw1ph1pw1dh1dw1",  // MobileNet
        "n1c16h112w112kh3kw3sh1sw1ph1pw1dh1dw1", "n1c16h112w112kh3kw3sh2sw2ph1pw1dh1dw1", "n2c5h300w7kh3kw3sh1sw1ph1pw1dh1dw1",
        "n1c18h5w1500kh3kw3sh1sw1ph1pw1dh1dw1",  // a row more than the device holds
        "n1c2h3w2500kh1kw9sh1sw2ph0pw4dh1dw1", "n3c2h2500w3kh9kw1sh2sw1ph4pw0dh1dw1",
        "n1c2h90w91kh31kw37sh1sw1ph15pw18dh1dw1",  // kernels of more weights than the device holds
        "n2c3h70w70kh16kw16sh8sw8ph4pw4dh1dw1", "n1c2h160w170kh64kw64sh32sw32ph16pw16dh1dw1",  // FCN's
        "n1c2h9w9kh3kw3sh9sw7ph0pw0dh1dw1", "n1c3h40w40kh2kw2sh20sw20ph0pw0dh1dw1",            // a stride beyond the kernel
        "n1c2h40w41kh3kw3sh1sw1ph30pw25dh1dw1",                                                // windows of nothing but padding
        "n3c20h7w7kh7kw7sh1sw1ph0pw0dh1dw1",                                                   // a kernel as large as the plane
        "n40c1h12w12kh3kw3sh1sw1ph1pw1dh1dw1", "n2c33h6w1kh6kw1sh1sw1ph2pw0dh1dw1", "n1c2h50w50kh3kw3sh1sw1ph20pw20dh20dw20"})
    all.emplace_back(text);
  return all;
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_DEPTHWISE_PROBLEMS_HPP_
