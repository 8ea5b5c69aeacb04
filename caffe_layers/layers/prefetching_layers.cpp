// Data, ImageData and WindowData, whose batches are copied to the device before they are wanted.
//
// Caffe's thread for data loads some batches ahead, each into memory of its own. Here the memory itself goes round: a top takes that of the
// batch, with its mirror on the device, and a batch whose memory has a mirror, since a layer on the device has read it before, is copied there
// by the thread that loaded it, while the steps before it run. So nothing crosses that no device layer reads, and a net without any
// never opens the device. The layers stay on the CPU under their stock names, in the registry's entries of stock Caffe's.
#include <unistd.h>

#include <boost/thread.hpp>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string>

#include "caffe/layers/data_layer.hpp"
#include "caffe/layers/image_data_layer.hpp"
#include "caffe/layers/window_data_layer.hpp"
#include "layers/at_work.hpp"
#include "layers/device_layer.hpp"
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

  void LayerSetUp(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) override {
    const barista::layers::AtWork work(this->layer_param_, [this] { return item(*this); });
    Stock::LayerSetUp(bottom, top);
  }

 protected:
  void DataLayerSetUp(const vector<Blob<float>*>& bottom, const vector<Blob<float>*>& top) override {
    Stock::DataLayerSetUp(bottom, top);
    check(*this);
  }

  void InternalThreadEntry() override {
    const barista::layers::AtWork work(this->layer_param_, [this] { return item(*this); });
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
    } catch (const std::exception& error) {
      LOG(FATAL) << error.what();  // of OpenCV's, as a rule
    }
  }

  void Forward_cpu(const vector<Blob<float>*>& /*bottom*/, const vector<Blob<float>*>& top) override {
    if (this->prefetch_current_ != nullptr) this->prefetch_free_.push(this->prefetch_current_);
    this->prefetch_current_ = this->prefetch_full_.pop("Waiting for data");
    take(*top[0], this->prefetch_current_->data_);
    if (this->output_labels_) take(*top[1], this->prefetch_current_->label_);
  }

 private:
  // What is being read, for who has to mend it.
  static std::string item(const PrefetchingLayer<DataLayer<float>>& layer) {
    if (layer.cursor_ == nullptr || !layer.cursor_->valid()) return "";
    Datum datum;
    const bool parsed = datum.ParseFromString(layer.cursor_->value());
    std::string size;
    if (parsed && datum.encoded()) size = ", encoded";
    if (parsed && !datum.encoded())
      size =
          ", " + std::to_string(datum.channels()) + " x " + std::to_string(datum.height()) + " x " + std::to_string(datum.width());
    return "record '" + layer.cursor_->key() + "'" + size;
  }
  static std::string item(const PrefetchingLayer<ImageDataLayer<float>>& layer) {
    const auto at = static_cast<std::size_t>(layer.lines_id_);
    return at < layer.lines_.size() ? "image " + layer.layer_param_.image_data_param().root_folder() + layer.lines_[at].first : "";
  }
  static std::string item(const PrefetchingLayer<WindowDataLayer<float>>& /*layer*/) { return ""; }

  static void check(const Stock& /*layer*/) {}
  // Stock Caffe takes the number of a window's image unseen for a place in its list, and trains on zeros where an image is missing.
  static void check(const PrefetchingLayer<WindowDataLayer<float>>& layer) {
    const auto images = static_cast<float>(layer.image_database_.size());
    for (const auto* windows : {&layer.fg_windows_, &layer.bg_windows_})
      for (const vector<float>& window : *windows)
        if (window[WindowDataLayer<float>::IMAGE_INDEX] >= images)
          LOG(FATAL) << "image number " << window[WindowDataLayer<float>::IMAGE_INDEX] << " of a window is none of its " << images
                     << " images, which must be numbered from 0 in the order of the file";
    for (const auto& image : layer.image_database_)
      if (access(image.first.c_str(), R_OK) != 0)
        LOG(FATAL) << "image " << image.first << " can't be read: " << std::strerror(errno);
  }

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
