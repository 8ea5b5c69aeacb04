// Data, ImageData and WindowData, whose batches are copied to the device before they are wanted.
//
// Caffe's thread for data loads some batches ahead, each into memory of its own. Here the memory itself goes round: a top takes that of the
// batch, with its mirror on the device, and a batch whose memory has a mirror, since a layer on the device has read it before, is copied there
// by the thread that loaded it, while the steps before it run. So nothing crosses that no device layer reads, and a net without any
// never opens the device. The layers stay on the CPU under their stock names, in the registry's entries of stock Caffe's.
#include <boost/thread.hpp>

#include "caffe/layers/data_layer.hpp"
#include "caffe/layers/image_data_layer.hpp"
#include "caffe/layers/window_data_layer.hpp"
#include "layers/fpga_layer.hpp"
#include "layers/registry.hpp"
#include "memory/device_memory.hpp"

namespace caffe {
namespace {

template <typename Stock>
class PrefetchingLayer : public Stock {
 public:
  explicit PrefetchingLayer(const LayerParameter& param) : Stock(param) {}
  // The thread must not outlive what it calls.
  ~PrefetchingLayer() override { this->StopInternalThread(); }

 protected:
  void InternalThreadEntry() override {
    try {
      while (!this->must_stop()) {
        Batch<float>* batch = this->prefetch_free_.pop();
        this->load_batch(batch);
        barista::layers::at_caffes_edge(this->layer_param_, [&] {
          barista::memory::prefetch(batch->data_);
          if (this->output_labels_) barista::memory::prefetch(batch->label_);
        });
        this->prefetch_full_.push(batch);
      }
    } catch (const boost::thread_interrupted&) {
      // So it is told to end.
    }
  }

  void Forward_cpu(const vector<Blob<float>*>& /*bottom*/, const vector<Blob<float>*>& top) override {
    if (this->prefetch_current_ != nullptr) this->prefetch_free_.push(this->prefetch_current_);
    this->prefetch_current_ = this->prefetch_full_.pop("Waiting for data");
    take(*top[0], this->prefetch_current_->data_);
    if (this->output_labels_) take(*top[1], this->prefetch_current_->label_);
  }

 private:
  static void take(Blob<float>& top, const Blob<float>& loaded) {
    top.ReshapeLike(loaded);
    top.ShareData(loaded);
  }
};

template <template <typename> class Stock>
shared_ptr<Layer<float>> create(const LayerParameter& param) {
  return shared_ptr<Layer<float>>(new PrefetchingLayer<Stock<float>>(param));
}

const barista::layers::InPlaceOf<float> in_place_of_data("Data", create<DataLayer>);
const barista::layers::InPlaceOf<float> in_place_of_image_data("ImageData", create<ImageDataLayer>);
const barista::layers::InPlaceOf<float> in_place_of_window_data("WindowData", create<WindowDataLayer>);

}  // namespace
}  // namespace caffe
