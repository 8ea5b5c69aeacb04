// Which layer a thread works for, so that the sentence with which Caffe ends the process can name it: its checks name none.
#ifndef BARISTA_LAYERS_AT_WORK_HPP_
#define BARISTA_LAYERS_AT_WORK_HPP_

#include <functional>
#include <memory>
#include <string>

#include "caffe/net.hpp"

namespace barista::layers {

struct Work {
  const caffe::LayerParameter* layer = nullptr;
  std::function<std::string()> item;  // what of its data the layer is reading: asked for in the same thread, while it reads
};

// This thread's.
Work& at_work();

// The thread works for a layer as long as this lives.
class AtWork {
 public:
  explicit AtWork(const caffe::LayerParameter& layer, std::function<std::string()> item = {});
  ~AtWork();
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;

 private:
  Work before_;
};

// Notes the layer of a net whose forward or backward pass runs, by callbacks that the net must not outlive by a pass.
class PassesOf {
 public:
  explicit PassesOf(caffe::Net<float>& net);

 private:
  class Begin;
  class End;
  std::shared_ptr<Begin> begin_;  // shared: a unique_ptr has to know the class
  std::shared_ptr<End> end_;
};

}  // namespace barista::layers

#endif  // BARISTA_LAYERS_AT_WORK_HPP_
