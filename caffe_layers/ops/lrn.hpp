// Local response normalisation, across channels or within each, as stock Caffe defines it.
//
//   scale[i]     = k + alpha / size * sum of src[j]^2 over j in the window of i
//   forward:     dst[i]      = src[i] * scale[i]^-beta
//   backward:    diff_src[i] = diff_dst[i] * scale[i]^-beta
//                              - 2 alpha beta / size * src[i] * sum of diff_dst[j] * dst[j] / scale[j] over j in the window of i
//
// All buffers float [N][C][H][W]. The window of an element is local_size channels around it at its pixel, or local_size x local_size
// pixels around it in its channel; size is that number of elements, also where the window goes beyond the borders, behind which there
// are zeros. Every call enqueues and returns.
#ifndef BARISTA_OPS_LRN_HPP_
#define BARISTA_OPS_LRN_HPP_

#include "device/program.hpp"
#include "plan/lrn.hpp"

namespace barista::ops {

using plan::LRNFunction;
using plan::LRNRegion;
using plan::LRNShape;

class LRN {
 public:
  // Plans tiles, and allocates what forward keeps for backward: two floats an element. Throws plan::Unsupported as plan::plan_lrn() does.
  LRN(device::Program& program, const LRNShape& shape, const LRNFunction& function);

  // Overwrites dst, which must not be src.
  void forward(const device::Buffer& src, device::Buffer& dst);
  // Of the src of the forward pass before. Overwrites diff_src, which must not be diff_dst.
  void backward(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_src);

 private:
  device::Program& program_;
  plan::LRNPlan plan_;
  device::Buffer powers_, ratios_;  // scale^-beta and dst / scale of the last forward pass
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_LRN_HPP_
