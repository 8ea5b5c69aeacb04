#include "memory/device_memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iterator>
#include <utility>
#include <vector>

#include "memory/mirror.hpp"

namespace barista::memory {
namespace {

// Blob's methods are libcaffe's own code: do the calls that they make arrive here? Each is asked for, since each is bound by itself: where
// this library came after libcaffe, those that libcaffe had called before stay its own.
bool probe() {
  float value = 0;
  auto blob = std::make_unique<caffe::Blob<float>>(1, 1, 1, 1);
  take_calls();
  blob->cpu_data();
  const bool read = take_calls().read;
  blob->mutable_cpu_data();
  const bool write = take_calls().write;
  blob->set_cpu_data(&value);
  const bool set = take_calls().set;
  blob.reset();
  return read && write && set && take_calls().end;
}

bool copies_always() {
  const char* wish = std::getenv("BARISTA_COPY_ALWAYS");
  return wish != nullptr && std::strcmp(wish, "") != 0 && std::strcmp(wish, "0") != 0;
}

// Copies the host's memory into a buffer of its own, for an Access without the hook.
device::Buffer copy_in(caffe::SyncedMemory& memory, bool contents, device::Device& device) {
  device::Buffer copy = device.allocate(memory.size());
  if (contents) device.upload(copy, memory.cpu_data(), memory.size());
  return copy;
}

// A blob may use a part of its memory. What a write leaves of it must stay as it was, so it is a write on top of the contents.
Use whole_or_update(const caffe::SyncedMemory& memory, int count, Use use) {
  const bool whole = static_cast<std::size_t>(count) * sizeof(float) == memory.size();
  return use == Use::kWrite && !whole ? Use::kReadWrite : use;
}

caffe::SyncedMemory& checked(const caffe::Blob<float>& blob, const caffe::SyncedMemory* memory) {
  const std::size_t needed = static_cast<std::size_t>(blob.count()) * sizeof(float);
  if (memory == nullptr || needed == 0 || needed > memory->size()) {
    throw device::Error("blob of shape " + blob.shape_string() + ": its memory of " + std::to_string(memory ? memory->size() : 0) +
                        " bytes must hold at least one value and all of the shape");
  }
  return const_cast<caffe::SyncedMemory&>(*memory);
}

// Those who have to be told before `use` of what `mirror` holds; they are its keepers no longer.
std::vector<Keeper> take_keepers(Mirror& mirror, Use use) {
  const std::lock_guard<std::recursive_mutex> lock(mirror.mutex);
  if (mirror.keepers.empty() || use == Use::kRead) return {};
  std::vector<Keeper> taken;
  if (use == Use::kWrite) {
    mirror.keepers.clear();
    return taken;
  }
  const auto told = std::stable_partition(mirror.keepers.begin(), mirror.keepers.end(),
                                          [&](const Keeper& keeper) { return use == Use::kRescale && keeper.wants_signs_only; });
  std::move(told, mirror.keepers.end(), std::back_inserter(taken));
  mirror.keepers.erase(told, mirror.keepers.end());
  return taken;
}

// Which copy is valid. The host's, where there is no other: without the hook none outlives an operation.
Valid valid_copy(const caffe::SyncedMemory* memory) {
  Mirror* mirror = memory != nullptr && hook_is_live() ? find_mirror(*memory) : nullptr;
  if (mirror == nullptr) return Valid::kHost;
  const std::lock_guard<std::recursive_mutex> lock(mirror->mutex);
  return mirror->valid;
}

bool is_on_device(const caffe::SyncedMemory* memory) { return valid_copy(memory) != Valid::kHost; }

}  // namespace

bool hook_is_live() {
  static const bool live = !copies_always() && probe();
  return live;
}

Access::Access(caffe::SyncedMemory* memory, Use use, device::Device& device) : memory_(memory), use_(use), mirror_(nullptr) {
  if (!hook_is_live()) {
    copy_ = copy_in(*memory, use != Use::kWrite, device);
    return;
  }
  Mirror& mirror = mirror_of(*memory);
  const std::lock_guard<std::recursive_mutex> lock(mirror.mutex);
  take_views_as_written(*memory, mirror);
  move_to(*memory, mirror, device);
  if (use == Use::kWrite) {
    // A reader that comes while this access is open still finds the host's copy as it was: work in place, dst asked for first.
    if (mirror.valid == Valid::kHost) mirror.unfilled = true;
  } else if (mirror.valid == Valid::kHost || mirror.unfilled) {
    mirror.valid = Valid::kHost;
    mirror.unfilled = false;
    fill(*memory, mirror);
  }
  if (use != Use::kRead) {
    ++mirror.open_writes;
    invalidate_host(*memory, mirror);
  }
  mirror_ = mirror.buffer;
}

Access::Access(Access&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), use_(other.use_), mirror_(other.mirror_), copy_(std::move(other.copy_)) {}

Access::~Access() {
  if (memory_ == nullptr || use_ == Use::kRead) return;
  if (mirror_ != nullptr) {
    Mirror& mirror = *find_mirror(*memory_);
    const std::lock_guard<std::recursive_mutex> lock(mirror.mutex);
    mirror.valid = Valid::kDevice;
    if (--mirror.open_writes > 0) return;
    mirror.unfilled = false;
    end_write(*memory_, mirror);
    return;
  }
  try {
    copy_.device().download(copy_, memory_->mutable_cpu_data(), memory_->size());
  } catch (const std::exception& error) {
    LOG(FATAL) << error.what();  // as everything at Caffe's edge; a destructor has no other way
  }
}

device::Buffer& Access::buffer() { return mirror_ != nullptr ? *mirror_ : copy_; }

Access data(const caffe::Blob<float>& blob, Use use, device::Device& device) {
  caffe::SyncedMemory& memory = checked(blob, blob.count() > 0 ? blob.data().get() : nullptr);
  if (Mirror* mirror = hook_is_live() ? find_mirror(memory) : nullptr) {
    for (Keeper& keeper : take_keepers(*mirror, use)) keeper.keep(Access(&memory, Use::kRead, *keeper.device).buffer());
  }
  return Access(&memory, whole_or_update(memory, blob.count(), use), device);
}

void before_in_place(const caffe::Blob<float>& blob, const void* owner, bool signs_only, device::Device& device,
                     std::function<void(device::Buffer&)> keep) {
  if (!hook_is_live()) return keep(data(blob, Use::kRead, device).buffer());
  Mirror& mirror = mirror_of(checked(blob, blob.data().get()));
  const std::lock_guard<std::recursive_mutex> lock(mirror.mutex);
  std::vector<Keeper>& all = mirror.keepers;
  all.erase(std::remove_if(all.begin(), all.end(), [&](const Keeper& keeper) { return keeper.owner == owner; }), all.end());
  all.push_back({owner, &device, signs_only, std::move(keep)});
}

Access diff(const caffe::Blob<float>& blob, Use use, device::Device& device) {
  caffe::SyncedMemory& memory = checked(blob, blob.count() > 0 ? blob.diff().get() : nullptr);
  return Access(&memory, whole_or_update(memory, blob.count(), use), device);
}

void prefetch(const caffe::Blob<float>& blob) {
  if (blob.count() == 0 || !hook_is_live()) return;
  caffe::SyncedMemory& memory = checked(blob, blob.data().get());
  Mirror* mirror = find_mirror(memory);
  if (mirror == nullptr) return;
  const std::lock_guard<std::recursive_mutex> lock(mirror->mutex);
  if (mirror->valid == Valid::kHost && mirror->buffer != nullptr) fill(memory, *mirror, /*ahead=*/true);
}

bool data_is_on_device(const caffe::Blob<float>& blob) { return blob.count() > 0 && is_on_device(blob.data().get()); }
bool diff_is_on_device(const caffe::Blob<float>& blob) { return blob.count() > 0 && is_on_device(blob.diff().get()); }
bool data_is_on_host(const caffe::Blob<float>& blob) {
  return blob.count() == 0 || valid_copy(blob.data().get()) != Valid::kDevice;
}

}  // namespace barista::memory
