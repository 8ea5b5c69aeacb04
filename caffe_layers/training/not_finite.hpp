// Where a net's numbers stopped being numbers: the first parameter or blob, in forward order, that holds a NaN or an infinity.
#ifndef BARISTA_TRAINING_NOT_FINITE_HPP_
#define BARISTA_TRAINING_NOT_FINITE_HPP_

#include <string>

#include "caffe/net.hpp"
#include "nlohmann/json.hpp"

namespace barista::training {

// {"layer", "type": as in stock Caffe, "data": whether the layer takes no blobs, "parameter": its number or null, "blob": its name or
// null, "value": "nan", "inf" or "-inf", "in_place": names of later layers that overwrote the blob}, or null where all is finite.
// It brings every value to the host: only for a run that ends.
nlohmann::json first_not_finite(const caffe::Net<float>& net);

// The same of parameters alone.
nlohmann::json first_not_finite_parameter(const caffe::Net<float>& net);

// The type without the prefix of layers that run on the device.
std::string stock_type(const caffe::LayerParameter& layer);

// "nan", "inf" or "-inf" for a value that is not finite.
const char* name_of_not_finite(float value);

}  // namespace barista::training

#endif  // BARISTA_TRAINING_NOT_FINITE_HPP_
