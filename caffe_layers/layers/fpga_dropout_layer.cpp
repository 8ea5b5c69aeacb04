#include "layers/fpga_dropout_layer.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "caffe/util/math_functions.hpp"
#include "ops/dropout.hpp"
#include "ops/elementwise.hpp"

namespace caffe {

namespace memory = barista::memory;
namespace ops = barista::ops;
using barista::device::Buffer;
using barista::device::Device;
using memory::Access;
using memory::Use;

namespace {

// What BARISTA_MASKS says. Ends the process in Caffe's way where it says something else.
bool caffe_draws_masks(const LayerParameter& param) {
  const char* value = std::getenv("BARISTA_MASKS");
  const std::string masks = value != nullptr ? value : "device";
  CHECK(masks == "device" || masks == "caffe") << "layer " << param.name() << " (" << param.type() << "): BARISTA_MASKS is '"
                                               << masks << "', it must be 'device' or 'caffe'";
  return masks == "caffe";
}

// Runs `work(src, dst)` on data or diffs of two blobs, which may share their memory.
template <typename Work>
void on_device(Access (*of)(const Blob<float>&, Use, Device&), Device& device, const Blob<float>& from, const Blob<float>& to,
               bool in_place, const Work& work) {
  if (in_place) {
    Access both = of(to, Use::kRescale, device);
    return work(both.buffer(), both.buffer());
  }
  Access src = of(from, Use::kRead, device), dst = of(to, Use::kWrite, device);
  work(src.buffer(), dst.buffer());
}

}  // namespace

template <typename Dtype>
void FPGADropoutLayer<Dtype>::set_up(const vector<Blob<Dtype>*>& /*bottom*/, const vector<Blob<Dtype>*>& /*top*/) {
  caffes_masks_ = caffe_draws_masks(this->layer_param_);
}

template <>
void FPGADropoutLayer<float>::draw(const Blob<float>& bottom) {
  if (!caffes_masks_) {
    key_ = caffe_rng_rand();
    return;
  }
  unsigned int* drawn = rand_vec_.mutable_cpu_data();
  caffe_rng_bernoulli(bottom.count(), static_cast<float>(1. - threshold_), drawn);  // stock Caffe's call, to the type
  mask_.Reshape(bottom.shape());
  std::copy(drawn, drawn + bottom.count(), mask_.mutable_cpu_data());
}

// In test phase, a copy.
template <>
void FPGADropoutLayer<float>::apply(const Buffer& src, Buffer& dst, int count) {
  if (phase_ != TRAIN) {
    ops::elementwise_forward(program(), ops::power(1, 1, 0), src, dst, count);
  } else if (caffes_masks_) {
    ops::dropout(program(), data(mask_, Use::kRead).buffer(), scale_, src, dst, count);
  } else {
    ops::dropout(program(), {key_, uint_thres_, scale_}, src, dst, count);
  }
}

template <>
void FPGADropoutLayer<float>::forward_on_device(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) {
  const bool in_place = bottom[0]->data() == top[0]->data();
  if (in_place && phase_ != TRAIN) return;
  if (phase_ == TRAIN) draw(*bottom[0]);
  on_device(memory::data, program().device(), *bottom[0], *top[0], in_place,
            [&](const Buffer& src, Buffer& dst) { apply(src, dst, bottom[0]->count()); });
}

template <>
void FPGADropoutLayer<float>::backward_on_device(const vector<Blob<float>*>& top, const vector<bool>& /*propagate_down*/,
                                                 const vector<Blob<float>*>& bottom) {
  const bool in_place = bottom[0]->diff() == top[0]->diff();
  if (in_place && phase_ != TRAIN) return;
  on_device(memory::diff, program().device(), *top[0], *bottom[0], in_place,
            [&](const Buffer& src, Buffer& dst) { apply(src, dst, bottom[0]->count()); });
}

INSTANTIATE_CLASS(FPGADropoutLayer);
REGISTER_LAYER_CLASS(FPGADropout);

}  // namespace caffe
