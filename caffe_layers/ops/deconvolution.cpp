#include "ops/deconvolution.hpp"

namespace barista::ops {

Deconvolution::Deconvolution(device::Program& program, const ConvolutionShape& transposed)
    : program_(program), shape_(transposed), convolution_(program, transposed) {}

void Deconvolution::forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias,
                            device::Buffer& dst) {
  convolution_.backward_data(src, weights, dst, bias);
}

void Deconvolution::backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src) {
  convolution_.forward(diff_dst, weights, nullptr, diff_src);
}

BiasGradient Deconvolution::bias_gradient_of(const device::Buffer& diff_dst, device::Buffer& diff_bias) const {
  return {diff_dst, diff_bias, shape_.N, shape_.C, shape_.H * shape_.W};
}

void Deconvolution::backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                                     device::Buffer* diff_bias) {
  if (diff_bias == nullptr) return convolution_.backward_weights(diff_dst, src, diff_weights);
  const BiasGradient bias = bias_gradient_of(diff_dst, *diff_bias);
  convolution_.backward_weights(diff_dst, src, diff_weights, &bias);
}

void Deconvolution::backward_bias(const device::Buffer& diff_dst, device::Buffer& diff_bias) {
  bias_gradient(program_, bias_gradient_of(diff_dst, diff_bias));
}

}  // namespace barista::ops
