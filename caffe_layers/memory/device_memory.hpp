// Caffe's SyncedMemory with a copy on a device: which of the two is valid.
//
// A mirror is in one of three states: valid on the host, on both, on the device. Layers say what they are about to do with an Access, and
// on which device; what another device holds comes there by way of the host. Every other reader and writer in Caffe and Python goes
// through SyncedMemory::cpu_data() and friends, which this library defines in libcaffe's place and which fetch the device's copy where it
// alone is valid. Where that replacement is not live (hook_is_live() false: a Caffe linked with its own symbols first), an Access copies
// in on construction and out on destruction, always.
#ifndef BARISTA_MEMORY_DEVICE_MEMORY_HPP_
#define BARISTA_MEMORY_DEVICE_MEMORY_HPP_

#include <functional>

#include "caffe/blob.hpp"
#include "device/device.hpp"

namespace barista::memory {

// True where libcaffe's own calls of SyncedMemory reach this library's definitions; proved by a call through libcaffe, once.
bool hook_is_live();

enum class Use {
  kRead,       // the current contents, unchanged
  kWrite,      // every element of the blob will be written; earlier contents are not copied in
  kReadWrite,  // for accumulation and in-place work
  kRescale,    // for in-place work that multiplies each value by a number not below 0
};

// The copy of a blob's data or diff on one device for the life of this object. Keep it for one operation.
class Access {
 public:
  Access(Access&&) noexcept;
  ~Access();
  device::Buffer& buffer();

 private:
  friend Access data(const caffe::Blob<float>& blob, Use use, device::Device& device);
  friend Access diff(const caffe::Blob<float>& blob, Use use, device::Device& device);
  Access(caffe::SyncedMemory* memory, Use use, device::Device& device);
  caffe::SyncedMemory* memory_;
  Use use_;
  device::Buffer* mirror_;
  device::Buffer copy_;  // without the hook, the copy that lives as long as this object
};

// On `device`: that of the program which is about to work on it. Throws device::Error.
Access data(const caffe::Blob<float>& blob, Use use, device::Device& device);
Access diff(const caffe::Blob<float>& blob, Use use, device::Device& device);

// Hands the blob's data on `device` to `keep`, once, before the next layer works on it in place: for who needs it after that. With
// `signs_only`, kRescale does not count. Whoever writes the blob anew ends it, and so does another call by the same `owner`. Without
// the hook, now.
void before_in_place(const caffe::Blob<float>& blob, const void* owner, bool signs_only, device::Device& device,
                     std::function<void(device::Buffer&)> keep);

// Copies a blob's data to the device that used it last now if the host's copy alone is valid, where it has been on the device before.
void prefetch(const caffe::Blob<float>& blob);

// True where a device's copy is valid. False without the hook, and for a blob that was never there.
bool data_is_on_device(const caffe::Blob<float>& blob);
bool diff_is_on_device(const caffe::Blob<float>& blob);

// True where the host's copy is valid: to read it copies nothing.
bool data_is_on_host(const caffe::Blob<float>& blob);

}  // namespace barista::memory

#endif  // BARISTA_MEMORY_DEVICE_MEMORY_HPP_
