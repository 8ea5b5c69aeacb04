// Whether what a layer takes for numbers of classes, rows or items are some: stock Caffe takes them unseen for places in its memory.
//
//   layer                                          the numbers               what they choose from
//   SoftmaxWithLoss, Accuracy, InfogainLoss        bottom 1                  the classes along the layer's axis of bottom 0
//   MultinomialLogisticLoss, HingeLoss             bottom 1, one an image    all values of an image in bottom 0
//   Embed                                          bottom 0                  input_dim
//   BatchReindex                                   bottom 1                  the items of bottom 0
// Each is cut to a whole number, as stock Caffe does. A label that the layer ignores may be any.
#ifndef BARISTA_LAYERS_LABEL_CHECK_HPP_
#define BARISTA_LAYERS_LABEL_CHECK_HPP_

#include <string>
#include <vector>

#include "caffe/net.hpp"

namespace barista::layers {

// A sentence about the first number that `layer` can't take, read from its bottoms as they are now; "" where all are right, and for
// layers that take none. Fetches the numbers from the device where the device's copy alone is valid.
template <typename Dtype>
std::string bad_label(const caffe::LayerParameter& layer, const std::vector<caffe::Blob<Dtype>*>& bottom);

// Ends the process in Caffe's way with that sentence.
template <typename Dtype>
void check_labels(const caffe::LayerParameter& layer, const std::vector<caffe::Blob<Dtype>*>& bottom);

// The same where the host has the labels, as it has those that a data layer loads. To fetch them would hold up every step: the
// kernels make the loss, its gradient and the accuracy NaN instead, and check_labels() of the net then says why.
void check_labels_on_host(const caffe::LayerParameter& layer, const std::vector<caffe::Blob<float>*>& bottom);

// bad_label() of the net's first layer that has one, or "". Fetches labels from the device.
std::string first_bad_label(const caffe::Net<float>& net);

// Ends the process with that sentence: for a net of which a loss or an accuracy is no number.
void check_labels(const caffe::Net<float>& net);

}  // namespace barista::layers

#endif  // BARISTA_LAYERS_LABEL_CHECK_HPP_
