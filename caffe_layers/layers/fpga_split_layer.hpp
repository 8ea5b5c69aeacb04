// Split, whose gradients are added on the device where they lie there: Caffe's layer type FPGASplit, and Split itself.
//
// Caffe inserts a Split wherever a blob has several readers, so this layer takes the place of Split in Caffe's registry while the library
// is loaded, under the same name. Forward shares the data, as in stock Caffe. A Split that Caffe inserted adds gradients on the host where
// none is on the device: a net that never uses the device does not open it. So do nets of doubles; the bits are the same. That choice is
// made anew in each backward pass, which is why the layer is no DeviceLayer.
#ifndef BARISTA_LAYERS_FPGA_SPLIT_LAYER_HPP_
#define BARISTA_LAYERS_FPGA_SPLIT_LAYER_HPP_

#include <vector>

#include "caffe/layers/split_layer.hpp"
#include "layers/device_layer.hpp"

namespace caffe {

template <typename Dtype>
class FPGASplitLayer : public SplitLayer<Dtype> {
 public:
  explicit FPGASplitLayer(const LayerParameter& param) : SplitLayer<Dtype>(param) {}

  const char* type() const override { return this->layer_param_.type() == "FPGASplit" ? "FPGASplit" : "Split"; }

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;

 private:
  // The program that adds the gradients; null where the host does.
  barista::device::Program* program_for(const vector<Blob<float>*>& top) const;
  void backward_on_device(barista::device::Program& program, const vector<Blob<float>*>& top, const Blob<float>& bottom);
  void backward_on_host(const vector<Blob<Dtype>*>& top, Blob<Dtype>& bottom);
};

}  // namespace caffe

#endif  // BARISTA_LAYERS_FPGA_SPLIT_LAYER_HPP_
