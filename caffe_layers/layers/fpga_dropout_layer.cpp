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
using barista::layers::kOnDevice;
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
void on_device(Access (*of)(const Blob<float>&, Use), const Blob<float>& from, const Blob<float>& to, bool in_place,
               const Work& work) {
  if (in_place) {
    Access both = of(to, Use::kRescale);
    return work(both.buffer(), both.buffer());
  }
  Access src = of(from, Use::kRead), dst = of(to, Use::kWrite);
  work(src.buffer(), dst.buffer());
}

}  // namespace

template <typename Dtype>
void FPGADropoutLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  barista::layers::check_param_str(this->layer_param_);
  DropoutLayer<Dtype>::LayerSetUp(bottom, top);
  caffes_masks_ = caffe_draws_masks(this->layer_param_);
  if (!kOnDevice<Dtype>)
    barista::layers::log_stock_code(this->layer_param_, "the net is of doubles, the device computes in single precision");
}

template <typename Dtype>
void FPGADropoutLayer<Dtype>::draw(const Blob<Dtype>& bottom) {
  if (!caffes_masks_) {
    key_ = caffe_rng_rand();
    return;
  }
  unsigned int* drawn = this->rand_vec_.mutable_cpu_data();
  caffe_rng_bernoulli(bottom.count(), static_cast<Dtype>(1. - this->threshold_), drawn);  // stock Caffe's call, to the type
  mask_.Reshape(bottom.shape());
  std::copy(drawn, drawn + bottom.count(), mask_.mutable_cpu_data());
}

// In test phase, a copy.
template <typename Dtype>
void FPGADropoutLayer<Dtype>::apply(const Buffer& src, Buffer& dst, int count) {
  barista::device::DeviceManager& manager = barista::device::DeviceManager::instance();
  const auto scale = static_cast<float>(this->scale_);
  if (this->phase_ != TRAIN) {
    ops::elementwise_forward(manager, ops::power(1, 1, 0), src, dst, count);
  } else if (caffes_masks_) {
    ops::dropout(manager, memory::data(mask_, Use::kRead).buffer(), scale, src, dst, count);
  } else {
    ops::dropout(manager, {key_, this->uint_thres_, scale}, src, dst, count);
  }
}

template <typename Dtype>
void FPGADropoutLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
  if constexpr (kOnDevice<Dtype>) {
    const int count = bottom[0]->count();
    const bool in_place = bottom[0]->data() == top[0]->data();
    if (count == 0 || (in_place && this->phase_ != TRAIN)) return;
    if (this->phase_ == TRAIN) draw(*bottom[0]);
    barista::layers::at_caffes_edge(this->layer_param_, [&] {
      on_device(memory::data, *bottom[0], *top[0], in_place, [&](const Buffer& src, Buffer& dst) { apply(src, dst, count); });
    });
  } else {
    DropoutLayer<Dtype>::Forward_cpu(bottom, top);
  }
}

template <typename Dtype>
void FPGADropoutLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                                           const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  if constexpr (kOnDevice<Dtype>) {
    const int count = bottom[0]->count();
    const bool in_place = bottom[0]->diff() == top[0]->diff();
    if (count == 0 || (in_place && this->phase_ != TRAIN)) return;
    barista::layers::at_caffes_edge(this->layer_param_, [&] {
      on_device(memory::diff, *top[0], *bottom[0], in_place, [&](const Buffer& src, Buffer& dst) { apply(src, dst, count); });
    });
  } else {
    DropoutLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
  }
}

INSTANTIATE_CLASS(FPGADropoutLayer);
REGISTER_LAYER_CLASS(FPGADropout);

}  // namespace caffe
