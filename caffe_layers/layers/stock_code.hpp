// Which layers run stock Caffe's code on the CPU although their type is one of the device's, and why: for whoever trains to be told.
#ifndef BARISTA_LAYERS_STOCK_CODE_HPP_
#define BARISTA_LAYERS_STOCK_CODE_HPP_

#include <string>
#include <vector>

#include "caffe/proto/caffe.pb.h"

namespace barista::layers {

struct StockCodeLayer {
  std::string layer, type;  // as the prototxt has them
  std::string reason;       // half a sentence: what of the layer the device can't do
};

// All of this process so far, the first first; those that say the same of a layer (of the nets for training and testing, as a rule)
// once.
std::vector<StockCodeLayer> stock_code_layers();

// --- for the layers ---

// "layer NAME (TYPE)", as sentences begin.
std::string described(const caffe::LayerParameter& param);

// Adds a layer to those above, and warns in Caffe's log. A layer says it once.
void report_stock_code(const caffe::LayerParameter& param, const std::string& reason);

}  // namespace barista::layers

#endif  // BARISTA_LAYERS_STOCK_CODE_HPP_
