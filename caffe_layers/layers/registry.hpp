// Takes the place of a stock layer type in Caffe's registry for as long as the library is loaded.
#ifndef BARISTA_LAYERS_REGISTRY_HPP_
#define BARISTA_LAYERS_REGISTRY_HPP_

#include <string>

#include "caffe/layer_factory.hpp"

namespace barista::layers {

// For objects of static storage. libcaffe, on which this library depends, has registered its own types by the time they are made.
template <typename Dtype>
class InPlaceOf {
 public:
  using Creator = typename caffe::LayerRegistry<Dtype>::Creator;

  InPlaceOf(const char* type, Creator creator) : type_(type), stock_(entry()) { entry() = creator; }
  ~InPlaceOf() { entry() = stock_; }
  InPlaceOf(const InPlaceOf&) = delete;
  InPlaceOf& operator=(const InPlaceOf&) = delete;

 private:
  Creator& entry() { return caffe::LayerRegistry<Dtype>::Registry()[type_]; }
  const std::string type_;
  const Creator stock_;
};

}  // namespace barista::layers

#endif  // BARISTA_LAYERS_REGISTRY_HPP_
