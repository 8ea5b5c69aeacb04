// The checked layers stay on the CPU under their stock names, in the registry's entries of stock Caffe's.
#include "layers/checked_layers.hpp"

#include "caffe/layers/batch_reindex_layer.hpp"
#include "caffe/layers/embed_layer.hpp"
#include "caffe/layers/filter_layer.hpp"
#include "caffe/layers/hinge_loss_layer.hpp"
#include "caffe/layers/infogain_loss_layer.hpp"
#include "caffe/layers/multinomial_logistic_loss_layer.hpp"
#include "layers/label_check.hpp"
#include "layers/registry.hpp"

namespace caffe {
namespace {

// Its gradient is of a part of what it chose from, and stock code divides by how many items that is.
template <typename Dtype>
class CheckedFilterLayer : public FilterLayer<Dtype> {
 public:
  explicit CheckedFilterLayer(const LayerParameter& param) : FilterLayer<Dtype>(param) {}

 protected:
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override {
    if (top[0]->shape(0) == 0) {
      LOG(FATAL) << "layer '" << this->layer_param_.name() << "': its selector, the last bottom, chooses none of the "
                 << bottom[0]->shape(0) << " items of the batch, so that there is no gradient; mend the data";
    }
    FilterLayer<Dtype>::Backward_cpu(top, propagate_down, bottom);
  }
};

template <typename Dtype>
using CheckedBatchReindexLayer = CheckedLayer<BatchReindexLayer<Dtype>, Dtype>;
template <typename Dtype>
using CheckedEmbedLayer = CheckedLayer<EmbedLayer<Dtype>, Dtype>;
template <typename Dtype>
using CheckedHingeLossLayer = CheckedLayer<HingeLossLayer<Dtype>, Dtype>;
template <typename Dtype>
using CheckedInfogainLossLayer = CheckedLayer<InfogainLossLayer<Dtype>, Dtype>;
template <typename Dtype>
using CheckedMultinomialLogisticLossLayer = CheckedLayer<MultinomialLogisticLossLayer<Dtype>, Dtype>;

template <template <typename> class Checked>
class InPlaceOfBoth {
 public:
  explicit InPlaceOfBoth(const char* type) : floats_(type, create<float>), doubles_(type, create<double>) {}

 private:
  template <typename Dtype>
  static shared_ptr<Layer<Dtype>> create(const LayerParameter& param) {
    return shared_ptr<Layer<Dtype>>(new Checked<Dtype>(param));
  }

  const barista::layers::InPlaceOf<float> floats_;
  const barista::layers::InPlaceOf<double> doubles_;
};

const InPlaceOfBoth<CheckedAccuracyLayer> in_place_of_accuracy("Accuracy");
const InPlaceOfBoth<CheckedBatchReindexLayer> in_place_of_batch_reindex("BatchReindex");
const InPlaceOfBoth<CheckedEmbedLayer> in_place_of_embed("Embed");
const InPlaceOfBoth<CheckedFilterLayer> in_place_of_filter("Filter");
const InPlaceOfBoth<CheckedHingeLossLayer> in_place_of_hinge_loss("HingeLoss");
const InPlaceOfBoth<CheckedInfogainLossLayer> in_place_of_infogain_loss("InfogainLoss");
const InPlaceOfBoth<CheckedMultinomialLogisticLossLayer> in_place_of_multinomial_logistic_loss("MultinomialLogisticLoss");
const InPlaceOfBoth<CheckedSoftmaxWithLossLayer> in_place_of_softmax_with_loss("SoftmaxWithLoss");

}  // namespace
}  // namespace caffe
