// Read before every suite (-include): from here on, the name of a stock layer means the FPGA layer.
//
// All of Caffe's headers come first, so that what they declare keeps its name; a suite that includes them again gets nothing new.
#ifndef BARISTA_CONFORMANCE_SHIM_HPP_
#define BARISTA_CONFORMANCE_SHIM_HPP_

#include "caffe/caffe.hpp"
#include "caffe/sgd_solvers.hpp"
#include "caffe/test/test_caffe_main.hpp"
#include "caffe/test/test_gradient_check_util.hpp"
#include "counted_layers.hpp"
#include "gtest/gtest.h"

#include "names.inc"

#endif  // BARISTA_CONFORMANCE_SHIM_HPP_
