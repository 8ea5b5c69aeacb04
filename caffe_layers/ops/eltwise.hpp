// Blobs of one shape, element by element: sum with coefficients, product and maximum of two or more, as stock Caffe defines them.
//
//   sum:      dst[i] = sum of coefficients[k] * src[k][i]      diff_src[k][i] = coefficients[k] * diff_dst[i]
//   product:  dst[i] = product of src[k][i]                    diff_src[k][i] = diff_dst[i] * product of src[j][i], j != k
//   maximum:  dst[i] = src[winners[i]][i], of src[0] and src[1] the second where the first is not greater, then the first greater one
//             diff_src[k][i] = winners[i] == k ? diff_dst[i] : 0
//
// `count` floats in each buffer; winners are numbers kept as floats. A launch takes one more of the sources into dst, on the kernels
// of ops/elementwise.hpp. No buffer may be another one but for sources. Every call enqueues and returns.
#ifndef BARISTA_OPS_ELTWISE_HPP_
#define BARISTA_OPS_ELTWISE_HPP_

#include <vector>

#include "device/program.hpp"

namespace barista::ops {

using Sources = std::vector<const device::Buffer*>;  // at least two

void eltwise_sum(device::Program& program, const Sources& src, const std::vector<float>& coefficients, device::Buffer& dst,
                 int count);
void eltwise_product(device::Program& program, const Sources& src, device::Buffer& dst, int count);
// Overwrites winners too.
void eltwise_maximum(device::Program& program, const Sources& src, device::Buffer& dst, device::Buffer& winners, int count);

// All overwrite diff_src, that of src[k].
void eltwise_sum_backward(device::Program& program, float coefficient, const device::Buffer& diff_dst, device::Buffer& diff_src,
                          int count);
// Multiplies the other sources.
void eltwise_product_backward(device::Program& program, const Sources& src, int k, const device::Buffer& diff_dst,
                              device::Buffer& diff_src, int count);
// Divides dst by src[k]: fewer launches where there are many sources, and NaN where src[k] is 0, as in stock Caffe.
void eltwise_quotient_backward(device::Program& program, const device::Buffer& src, const device::Buffer& dst,
                               const device::Buffer& diff_dst, device::Buffer& diff_src, int count);
void eltwise_maximum_backward(device::Program& program, int k, const device::Buffer& winners, const device::Buffer& diff_dst,
                              device::Buffer& diff_src, int count);

}  // namespace barista::ops

#endif  // BARISTA_OPS_ELTWISE_HPP_
