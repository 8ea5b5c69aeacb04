// A Caffe layer with blobs of its own, and how it is held against stock Caffe's.
#ifndef BARISTA_TESTS_SUPPORT_LAYER_RIG_HPP_
#define BARISTA_TESTS_SUPPORT_LAYER_RIG_HPP_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "caffe/test/test_gradient_check_util.hpp"
#include "support/caffe_fixture.hpp"
#include "support/integers.hpp"

namespace barista::testing {

using caffe::Blob;
using caffe::LayerParameter;
using Shape = std::vector<int>;
using Layer = caffe::Layer<float>;

// A case, for SCOPED_TRACE.
inline std::string describe(const Shape& shape, const LayerParameter& param) {
  std::string text;
  for (const int size : shape) text += std::to_string(size) + " ";
  return text + param.ShortDebugString();
}

inline void fill(Blob<float>& blob, bool diff, std::uint32_t seed) {
  const std::vector<float> values = integers(blob.count(), seed);
  std::copy(values.begin(), values.end(), diff ? blob.mutable_cpu_diff() : blob.mutable_cpu_data());
}

inline std::vector<float> contents(const Blob<float>& blob, bool diff) {
  const float* values = diff ? blob.cpu_diff() : blob.cpu_data();
  return std::vector<float>(values, values + blob.count());
}

// A layer with blobs of its own, filled with the same numbers whatever its type.
struct Rig {
  Rig(LayerParameter param, const std::string& type, const std::vector<Shape>& bottom_shapes, int tops) {
    param.set_type(type);
    param.set_name(type);
    for (const Shape& shape : bottom_shapes) {
      bottom_blobs.push_back(std::make_unique<Blob<float>>(shape));
      bottom.push_back(bottom_blobs.back().get());
    }
    for (int i = 0; i < tops; i++) {
      top_blobs.push_back(std::make_unique<Blob<float>>());
      top.push_back(top_blobs.back().get());
    }
    layer = caffe::LayerRegistry<float>::CreateLayer(param);
    layer->SetUp(bottom, top);
    fill_all();
  }

  // Gradients of parameters start from something, and those of bottoms from something that must go.
  void fill_all() {
    std::uint32_t seed = 1;
    for (Blob<float>* blob : bottom) fill(*blob, false, seed++), fill(*blob, true, seed++);
    for (const auto& blob : layer->blobs()) fill(*blob, false, seed++), fill(*blob, true, seed++);
  }

  void fill_top_diffs(std::uint32_t seed = 100) {
    for (Blob<float>* blob : top) fill(*blob, true, seed++);
  }

  void forward() { layer->Forward(bottom, top); }
  void backward(bool propagate = true) { layer->Backward(top, std::vector<bool>(bottom.size(), propagate), bottom); }

  std::vector<std::unique_ptr<Blob<float>>> bottom_blobs, top_blobs;
  std::vector<Blob<float>*> bottom, top;
  boost::shared_ptr<Layer> layer;
};

inline void expect_same(const Blob<float>& found, const Blob<float>& expected, bool diff, double tolerance,
                        const std::string& what) {
  ASSERT_EQ(found.shape(), expected.shape()) << what;
  const std::vector<float> a = contents(found, diff), b = contents(expected, diff);
  for (std::size_t i = 0; i < a.size(); i++)
    ASSERT_TRUE(a[i] == b[i] || std::abs(a[i] - b[i]) <= tolerance)
        << what << "[" << i << "] is " << a[i] << ", stock Caffe has " << b[i];
}

// Forward, and backward twice, so that what accumulates is seen to.
inline void expect_stock(const LayerParameter& param, const std::string& stock_type, const std::vector<Shape>& bottoms, int tops,
                         double tolerance = 0) {
  Rig stock(param, stock_type, bottoms, tops), fpga(param, "FPGA" + stock_type, bottoms, tops);
  for (Rig* rig : {&stock, &fpga}) {
    rig->forward();
    rig->fill_top_diffs();
    rig->backward();
    rig->backward();
  }
  for (int i = 0; i < tops; i++) expect_same(*fpga.top[i], *stock.top[i], false, tolerance, "top " + std::to_string(i));
  for (std::size_t i = 0; i < bottoms.size(); i++)
    expect_same(*fpga.bottom[i], *stock.bottom[i], true, tolerance, "diff of bottom " + std::to_string(i));
  for (std::size_t i = 0; i < stock.layer->blobs().size(); i++)
    expect_same(*fpga.layer->blobs()[i], *stock.layer->blobs()[i], true, tolerance, "diff of parameter " + std::to_string(i));
}

// What Caffe logs while it lives.
class CapturedLog : public google::LogSink {
 public:
  CapturedLog() {
    FLAGS_minloglevel = google::GLOG_INFO;
    google::AddLogSink(this);
  }
  ~CapturedLog() override {
    google::RemoveLogSink(this);
    FLAGS_minloglevel = google::GLOG_WARNING;
  }
  void send(google::LogSeverity /*severity*/, const char* /*path*/, const char* /*file*/, int /*line*/, const tm* /*time*/,
            const char* message, std::size_t length) override {
    lines.emplace_back(message, length);
  }
  int count(const std::string& part) const {
    int found = 0;
    for (const std::string& line : lines) found += line.find(part) != std::string::npos ? 1 : 0;
    return found;
  }
  std::vector<std::string> lines;
};

class LayersTest : public CaffeTest {
 protected:
  void SetUp() override {
    FLAGS_minloglevel = google::GLOG_WARNING;
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    CaffeTest::SetUp();
  }
};

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_LAYER_RIG_HPP_
