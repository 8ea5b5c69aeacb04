// The shapes of operations that multiply, with the names of their formulas.
#ifndef BARISTA_PLAN_SHAPES_HPP_
#define BARISTA_PLAN_SHAPES_HPP_

namespace barista::plan {

// A 2-D convolution: src [N][C][H][W], weights [O][C/G][KH][KW], dst [N][O][P][Q].
struct ConvolutionShape {
  int N, C, H, W;  // src
  int O, KH, KW;   // weights
  int SH, SW;      // stride
  int PH, PW;      // padding on each side
  int DH, DW;      // dilation; 1 is none
  int G;           // groups
  int P() const { return (H + 2 * PH - (DH * (KH - 1) + 1)) / SH + 1; }
  int Q() const { return (W + 2 * PW - (DW * (KW - 1) + 1)) / SW + 1; }
};

// Whether each channel has a kernel of its own, which the depthwise kernels convolve.
inline bool is_depthwise(const ConvolutionShape& shape) { return shape.G == shape.C && shape.G == shape.O; }

// Inner product: src [N][K], weights [O][K], or [K][O] where `transpose`, dst [N][O].
struct InnerProductShape {
  int N, K, O;
  bool transpose;
};

}  // namespace barista::plan

#endif  // BARISTA_PLAN_SHAPES_HPP_
