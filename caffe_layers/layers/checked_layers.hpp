// Stock Caffe's layers that take a blob's values for places in memory, which look at them first: see layers/label_check.hpp.
#ifndef BARISTA_LAYERS_CHECKED_LAYERS_HPP_
#define BARISTA_LAYERS_CHECKED_LAYERS_HPP_

#include <vector>

#include "caffe/layers/accuracy_layer.hpp"
#include "caffe/layers/softmax_loss_layer.hpp"
#include "layers/label_check.hpp"

namespace caffe {

template <typename Stock, typename Dtype>
class CheckedLayer : public Stock {
 public:
  explicit CheckedLayer(const LayerParameter& param) : Stock(param) {}

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    barista::layers::check_labels(this->layer_param_, bottom);
    Stock::Forward_cpu(bottom, top);
  }
};

template <typename Dtype>
class CheckedAccuracyLayer : public CheckedLayer<AccuracyLayer<Dtype>, Dtype> {
 public:
  using CheckedLayer<AccuracyLayer<Dtype>, Dtype>::CheckedLayer;

  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override {
    if (bottom[1]->count() == 0) barista::layers::check_labels(this->layer_param_, bottom);  // stock code divides by it
    AccuracyLayer<Dtype>::Reshape(bottom, top);
  }
};

template <typename Dtype>
using CheckedSoftmaxWithLossLayer = CheckedLayer<SoftmaxWithLossLayer<Dtype>, Dtype>;

}  // namespace caffe

#endif  // BARISTA_LAYERS_CHECKED_LAYERS_HPP_
