// Counts every call of the stock code of the layers of conformance/table.py, from wherever it comes: an FPGA layer that falls back, a net that
// got a stock layer from the registry, a layer within a layer.
//
// libcaffe reaches its layers' virtual functions through its symbol table, as it does SyncedMemory's. So this program defines
// Forward_cpu and Backward_cpu of those layers itself, counts, and hands on to libcaffe's. main.cpp proves that this is live.
#include <dlfcn.h>

#include <string>

#include "counts.hpp"
#include "glog/logging.h"
#include "headers.inc"

namespace barista::conformance {
namespace {

// Itanium C++ ABI: caffe::NAME<float>::Forward_cpu(const vector<Blob<float>*>&, const vector<Blob<float>*>&) and Backward_cpu with a
// const vector<bool>& between the two.
constexpr char kForward[] = "IfE11Forward_cpuERKSt6vectorIPNS_4BlobIfEESaIS5_EES9_";
constexpr char kBackward[] = "IfE12Backward_cpuERKSt6vectorIPNS_4BlobIfEESaIS5_EERKS2_IbSaIbEES9_";

// libcaffe's definition: the next one after this program's. A member function is called as a function whose first argument is the
// object.
template <typename Function>
Function* next(const std::string& layer, const char* rest) {
  const std::string symbol = "_ZN5caffe" + std::to_string(layer.size()) + layer + rest;
  void* const found = dlsym(RTLD_NEXT, symbol.c_str());
  CHECK(found != nullptr) << "libcaffe has no " << symbol;
  return reinterpret_cast<Function*>(found);
}

using Blobs = std::vector<caffe::Blob<float>*>;
using Forward = void(void*, const Blobs&, const Blobs&);
using Backward = void(void*, const Blobs&, const std::vector<bool>&, const Blobs&);

}  // namespace
}  // namespace barista::conformance

namespace caffe {

namespace conformance = barista::conformance;

#define LAYER(Name)                                                                                            \
  template <>                                                                                                  \
  void Name##Layer<float>::Forward_cpu(const conformance::Blobs& bottom, const conformance::Blobs& top) {      \
    static const auto stock = conformance::next<conformance::Forward>(#Name "Layer", conformance::kForward);   \
    conformance::counts[conformance::k##Name].stock++;                                                         \
    stock(this, bottom, top);                                                                                  \
  }                                                                                                            \
  template <>                                                                                                  \
  void Name##Layer<float>::Backward_cpu(const conformance::Blobs& top, const vector<bool>& propagate_down,     \
                                        const conformance::Blobs& bottom) {                                    \
    static const auto stock = conformance::next<conformance::Backward>(#Name "Layer", conformance::kBackward); \
    conformance::counts[conformance::k##Name].stock++;                                                         \
    stock(this, top, propagate_down, bottom);                                                                  \
  }
#include "layers.inc"
#undef LAYER

}  // namespace caffe
