// Net<float>::ClearParamDiffs, in place of libcaffe's: gradients that live on the device are zeroed there.
//
// A solver clears every parameter's gradient before each iteration. Done on the host, each would be copied out first and in again.
// Net<double> keeps libcaffe's: its blobs have no mirrors.
#include "caffe/net.hpp"

#include <exception>

#include "caffe/util/math_functions.hpp"
#include "memory/mirror.hpp"

namespace {

using barista::memory::Mirror;

// Zeroes the gradient on the device, where it is the whole of its memory and has been there before. One that nobody has used is zero: to
// say so would only take memory on the host.
bool cleared_on_device(const caffe::Blob<float>& blob) {
  caffe::SyncedMemory& memory = *blob.diff();
  if (memory.head() == caffe::SyncedMemory::UNINITIALIZED) return true;
  Mirror* mirror = barista::memory::find_mirror(memory);
  if (mirror == nullptr || static_cast<std::size_t>(blob.count()) * sizeof(float) != memory.size()) return false;
  const std::lock_guard<std::recursive_mutex> lock(mirror->mutex);
  if (mirror->buffer == nullptr) return false;
  try {
    mirror->buffer->device().zero(*mirror->buffer);
  } catch (const std::exception& error) {
    LOG(FATAL) << error.what();
  }
  invalidate_host(memory, *mirror);
  end_write(memory, *mirror);
  return true;
}

}  // namespace

namespace caffe {

template <>
void Net<float>::ClearParamDiffs() {
  if (Caffe::mode() != Caffe::CPU) NO_GPU;
  for (Blob<float>* blob : learnable_params_) {
    if (!cleared_on_device(*blob)) caffe_set(blob->count(), 0.0F, blob->mutable_cpu_diff());
  }
}

}  // namespace caffe
