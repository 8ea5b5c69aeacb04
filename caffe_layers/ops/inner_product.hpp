// Inner product (fully connected layer) on the PE array, forward and backward.
//
//   dst[n][o] = bias[o] + sum over k of src[n][k] * weights[o][k]
//
// src [N][K], dst [N][O], weights [O][K] (or [K][O] where `transpose`), bias [O]. Every call enqueues and returns.
#ifndef BARISTA_OPS_INNER_PRODUCT_HPP_
#define BARISTA_OPS_INNER_PRODUCT_HPP_

#include <memory>

#include "device/program.hpp"
#include "plan/shapes.hpp"

namespace barista::ops {

using plan::InnerProductShape;

class InnerProduct {
 public:
  // Plans all passes; a pass takes memory for its scratch when it first runs. Throws plan::Unsupported where a pass has no tile
  // that fits the recipe's memories.
  InnerProduct(device::Program& program, const InnerProductShape& shape);
  ~InnerProduct();

  // bias may be null.
  void forward(const device::Buffer& src, const device::Buffer& weights, const device::Buffer* bias, device::Buffer& dst);
  // Overwrites diff_src.
  void backward_data(const device::Buffer& diff_dst, const device::Buffer& weights, device::Buffer& diff_src);
  // Adds to diff_weights, and to diff_bias where it isn't null.
  void backward_weights(const device::Buffer& src, const device::Buffer& diff_dst, device::Buffer& diff_weights,
                        device::Buffer* diff_bias = nullptr);
  // Adds to diff_bias alone.
  void backward_bias(const device::Buffer& diff_dst, device::Buffer& diff_bias);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_INNER_PRODUCT_HPP_
