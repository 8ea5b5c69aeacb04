// The device's buffers of several blobs, for operations that take lists of them.
#ifndef BARISTA_LAYERS_BLOB_BUFFERS_HPP_
#define BARISTA_LAYERS_BLOB_BUFFERS_HPP_

#include <vector>

#include "memory/device_memory.hpp"

namespace barista::layers {

// For as long as it lives. `Buffer` is device::Buffer, or a const one for what is read.
template <typename Buffer>
class BlobBuffers {
 public:
  // `of` is memory::data or memory::diff.
  using Of = memory::Access (*)(const caffe::Blob<float>&, memory::Use, device::Device&);
  BlobBuffers(Of of, const std::vector<caffe::Blob<float>*>& blobs, memory::Use use, device::Device& device)
      : BlobBuffers(of, blobs, use, device, std::vector<bool>(blobs.size(), true)) {}
  // Null for a blob that is not `wanted`.
  BlobBuffers(Of of, const std::vector<caffe::Blob<float>*>& blobs, memory::Use use, device::Device& device,
              const std::vector<bool>& wanted) {
    accesses_.reserve(blobs.size());  // which lets buffers stay where they are
    for (std::size_t i = 0; i < blobs.size(); i++) {
      if (wanted[i]) accesses_.push_back(of(*blobs[i], use, device));
      all_.push_back(wanted[i] ? &accesses_.back().buffer() : nullptr);
    }
  }
  const std::vector<Buffer*>& all() const { return all_; }

 private:
  std::vector<memory::Access> accesses_;
  std::vector<Buffer*> all_;
};

using SourceBuffers = BlobBuffers<const device::Buffer>;
using DestinationBuffers = BlobBuffers<device::Buffer>;

}  // namespace barista::layers

#endif  // BARISTA_LAYERS_BLOB_BUFFERS_HPP_
