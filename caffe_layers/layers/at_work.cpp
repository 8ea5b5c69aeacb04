#include "layers/at_work.hpp"

#include <utility>

namespace barista::layers {

class PassesOf::Begin final : public caffe::Net<float>::Callback {
 public:
  explicit Begin(const caffe::Net<float>& net) : net_(net) {}

 protected:
  void run(int layer) override { at_work().layer = &net_.layers()[layer]->layer_param(); }

 private:
  const caffe::Net<float>& net_;
};

class PassesOf::End final : public caffe::Net<float>::Callback {
 protected:
  void run(int /*layer*/) override { at_work().layer = nullptr; }
};

Work& at_work() {
  static thread_local Work work;
  return work;
}

AtWork::AtWork(const caffe::LayerParameter& layer, std::function<std::string()> item)
    : before_(std::exchange(at_work(), Work{&layer, std::move(item)})) {}

AtWork::~AtWork() { at_work() = std::move(before_); }

PassesOf::PassesOf(caffe::Net<float>& net) : begin_(std::make_shared<Begin>(net)), end_(std::make_shared<End>()) {
  net.add_before_forward(begin_.get());
  net.add_after_forward(end_.get());
  net.add_before_backward(begin_.get());
  net.add_after_backward(end_.get());
}

}  // namespace barista::layers
