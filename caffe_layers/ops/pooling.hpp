// 2-D max and average pooling, forward and backward, as stock Caffe defines them.
//
//   forward:   dst[n][c][p][q]      = max or mean of src[n][c][h][w] over the window p*SH - PH <= h < p*SH - PH + KH, likewise w
//   backward:  diff_src[n][c][h][w] = sum of diff_dst over the windows that hold (h, w): where it won, or divided by their size
//
// src [N][C][H][W], dst [N][C][P][Q], winners as dst, all float and packed. A maximum is the first greatest value of its window, and
// winners has its index h*W + w as a number; where nothing is greater than -FLT_MAX (a window of NaN, or outside the image), it is
// -FLT_MAX and -1. A mean is divided by the part of the window that lies in the padded image. Every call enqueues and returns.
#ifndef BARISTA_OPS_POOLING_HPP_
#define BARISTA_OPS_POOLING_HPP_

#include <memory>

#include "device/device_manager.hpp"

namespace barista::ops {

enum class PoolingMethod { kMaximum, kAverage };

struct PoolingShape {
  int N, C, H, W;  // src
  int P, Q;        // dst; stock Caffe rounds its size up, and clips it where the last window would begin in the padding
  int KH, KW;      // window
  int SH, SW;      // stride
  int PH, PW;      // padding on each side
};

class Pooling {
 public:
  // Plans tiles. Throws device::Error for a shape without elements, or of which a window's row overfills the device's memory.
  Pooling(device::DeviceManager& manager, const PoolingShape& shape, PoolingMethod method);
  ~Pooling();

  // Overwrites dst and, for a maximum, winners; for a mean winners is not used and may be without memory.
  void forward(const device::Buffer& src, device::Buffer& dst, device::Buffer& winners);
  // Overwrites diff_src.
  void backward(const device::Buffer& diff_dst, const device::Buffer& winners, device::Buffer& diff_src);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_POOLING_HPP_
