// Data that a layer's backward pass reads and that is overwritten before: a copy of it on the device.
//
// A layer in place overwrites its own input, and what the layer before it made. Stock Caffe's backward pass of either reads what is
// there then, and so makes a wrong gradient, of some functions; here it is the gradient of the same net with two blobs.
#ifndef BARISTA_LAYERS_KEPT_DATA_HPP_
#define BARISTA_LAYERS_KEPT_DATA_HPP_

#include <memory>

#include "caffe/blob.hpp"
#include "device/program.hpp"

namespace barista::layers {

class KeptData {
 public:
  // Copies `count` floats of `contents` now, on the device that holds them.
  void keep(device::Program& program, const device::Buffer& contents, int count);
  // Will copy `top`, which was just made, should a layer after this one work on it in place. With `signs_only` not for one that leaves
  // signs as they are.
  void keep_before_in_place(device::Program& program, const caffe::Blob<float>& top, bool signs_only);
  // The copy, or null where none was made since the last of these calls.
  const device::Buffer* get() const { return copy_->made ? &copy_->buffer : nullptr; }

 private:
  struct Copy {
    device::Buffer buffer;
    bool made = false;

    void make(device::Program& program, const device::Buffer& contents, int count);
  };
  std::shared_ptr<Copy> copy_ = std::make_shared<Copy>();  // whoever is to make it may outlive the layer
};

}  // namespace barista::layers

#endif  // BARISTA_LAYERS_KEPT_DATA_HPP_
