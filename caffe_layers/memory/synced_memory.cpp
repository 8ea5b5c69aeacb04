// The members of SyncedMemory that know of the device's copy, in place of libcaffe's own.
//
// libbarista.so is loaded before libcaffe, which calls these through its symbol table. The rest of the class (constructors, the gpu
// members, which end the process in a CPU-only build) stays libcaffe's. The host's memory is made on first use, as in libcaffe, but
// not before the host asks: a blob that lives on the device alone has none. head_ is HEAD_AT_CPU once there is anything to read:
// Blob::Update, asum_data and their like take any other value for "nothing there" or for a GPU.
#include "caffe/syncedmem.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "memory/mirror.hpp"
#include "memory/python_views.hpp"
#include "memory/views.hpp"

namespace {

// Names private members for the functions below: an explicit instantiation may name them (C++17, [temp.explicit] 12).
template <auto DevicePointer, auto HostPointer, auto OwnsHost, auto Head>
struct SyncedMemoryMembers {
  friend void*& device_pointer(caffe::SyncedMemory& memory) { return memory.*DevicePointer; }
  friend const void* host_pointer(const caffe::SyncedMemory& memory) { return memory.*HostPointer; }
  friend void* own_host_pointer(caffe::SyncedMemory& memory) { return memory.*OwnsHost ? memory.*HostPointer : nullptr; }
  friend caffe::SyncedMemory::SyncedHead& head(caffe::SyncedMemory& memory) { return memory.*Head; }
};
void*& device_pointer(caffe::SyncedMemory& memory);
const void* host_pointer(const caffe::SyncedMemory& memory);
void* own_host_pointer(caffe::SyncedMemory& memory);
caffe::SyncedMemory::SyncedHead& head(caffe::SyncedMemory& memory);
template struct SyncedMemoryMembers<&caffe::SyncedMemory::gpu_ptr_, &caffe::SyncedMemory::cpu_ptr_,
                                    &caffe::SyncedMemory::own_cpu_data_, &caffe::SyncedMemory::head_>;

thread_local barista::memory::Calls calls;

}  // namespace

namespace barista::memory {

Calls take_calls() { return std::exchange(calls, Calls()); }

Mirror* find_mirror(const caffe::SyncedMemory& memory) {
  void*& pointer = device_pointer(const_cast<caffe::SyncedMemory&>(memory));
  return static_cast<Mirror*>(__atomic_load_n(&pointer, __ATOMIC_ACQUIRE));
}

Mirror& mirror_of(caffe::SyncedMemory& memory) {
  if (Mirror* mirror = find_mirror(memory)) return *mirror;
  static std::mutex creation;
  const std::lock_guard<std::mutex> lock(creation);
  if (Mirror* mirror = find_mirror(memory)) return *mirror;
  auto mirror = std::make_unique<Mirror>();
  __atomic_store_n(&device_pointer(memory), mirror.get(), __ATOMIC_RELEASE);
  return *mirror.release();  // ~SyncedMemory deletes it
}

void move_to(caffe::SyncedMemory& memory, Mirror& mirror, device::Device& device) {
  if (mirror.buffer != nullptr && &mirror.buffer->device() == &device) return;
  if (mirror.buffer != nullptr) {
    if (mirror.open_writes > 0) {
      throw device::Error("memory of " + std::to_string(memory.size()) + " bytes: asked for on " + device.name() + " while " +
                          mirror.buffer->device().name() + " writes it; a layer works on one device");
    }
    if (mirror.valid == Valid::kDevice) memory.cpu_data();
    mirror.valid = Valid::kHost;
  }
  for (device::Buffer& buffer : mirror.buffers) {
    if (&buffer.device() == &device) {
      mirror.buffer = &buffer;
      return;
    }
  }
  mirror.buffers.push_front(device.allocate(memory.size()));
  mirror.buffer = &mirror.buffers.front();
}

void fill(caffe::SyncedMemory& memory, Mirror& mirror, bool ahead) {
  device::Device& device = mirror.buffer->device();
  if (memory.head() == caffe::SyncedMemory::UNINITIALIZED) {
    // Nobody has written it: zeros, as Caffe has it, and no need of the host's memory for that.
    device.zero(*mirror.buffer);
    invalidate_host(memory, mirror);
    return;
  }
  device.upload(*mirror.buffer, memory.cpu_data(), memory.size(), ahead);
  mirror.valid = Valid::kBoth;
}

void take_views_as_written(const caffe::SyncedMemory& memory, Mirror& mirror) {
  const std::uint64_t turn = turn_of_views(host_pointer(memory));
  if (turn == 0) return;
  if (mirror.valid == Valid::kBoth && mirror.turn != turn) mirror.valid = Valid::kHost;
  mirror.turn = turn;
}

void end_write(caffe::SyncedMemory& memory, Mirror& mirror) {
  if (has_views(host_pointer(memory))) {
    device_wrote(memory, host_pointer(memory));
  } else {
    empty_host_copy(memory, mirror);
  }
}

void invalidate_host(caffe::SyncedMemory& memory, Mirror& mirror) {
  mirror.valid = Valid::kDevice;
  head(memory) = caffe::SyncedMemory::HEAD_AT_CPU;
}

void empty_host_copy(caffe::SyncedMemory& memory, Mirror& mirror) {
  if (std::exchange(mirror.emptied, true)) return;
  auto* const host = static_cast<unsigned char*>(own_host_pointer(memory));
  if (host == nullptr) return;
  // Whole pages of an allocation, which read as zeros from then on. Where the system will not, nothing is lost.
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t lead = (page - reinterpret_cast<std::uintptr_t>(host) % page) % page;
  if (memory.size() >= lead + page) madvise(host + lead, (memory.size() - lead) / page * page, MADV_DONTNEED);
}

namespace {

// At Caffe's edge, what Caffe does: nobody between here and main() is written for exceptions.
template <typename Function>
void or_abort(const Function& function) {
  try {
    function();
  } catch (const std::exception& error) {
    LOG(FATAL) << error.what();
  }
}

// After this the host's copy is current; `valid` is what holds from then on.
void bring_to_host(const caffe::SyncedMemory& memory, void* host, Valid valid) {
  Mirror* mirror = find_mirror(memory);
  if (mirror == nullptr) return;
  const std::lock_guard<std::recursive_mutex> lock(mirror->mutex);
  if (mirror->valid == Valid::kDevice) {
    or_abort([&] { mirror->buffer->device().download(*mirror->buffer, host, memory.size()); });
    mirror->valid = Valid::kBoth;
  }
  if (valid == Valid::kHost) mirror->valid = Valid::kHost;
}

}  // namespace
}  // namespace barista::memory

namespace caffe {

using barista::memory::Valid;

// The host has memory, zeroed when it is new. Several threads may be the first to ask: one makes it, and none sees it before it is zeroed.
void SyncedMemory::to_cpu() {
  if (__atomic_load_n(&cpu_ptr_, __ATOMIC_ACQUIRE) != nullptr) return;
  static std::mutex creation;
  const std::lock_guard<std::mutex> lock(creation);
  if (cpu_ptr_ != nullptr) return;
  void* made = nullptr;
  CaffeMallocHost(&made, size_, &cpu_malloc_use_cuda_);
  std::memset(made, 0, size_);
  own_cpu_data_ = true;
  head_ = HEAD_AT_CPU;
  __atomic_store_n(&cpu_ptr_, made, __ATOMIC_RELEASE);
}

const void* SyncedMemory::cpu_data() {
  calls.read = true;
  to_cpu();
  barista::memory::bring_to_host(*this, cpu_ptr_, Valid::kBoth);
  return cpu_ptr_;
}

void* SyncedMemory::mutable_cpu_data() {
  calls.write = true;
  to_cpu();
  barista::memory::bring_to_host(*this, cpu_ptr_, Valid::kHost);
  barista::memory::have_views_told(cpu_ptr_);
  return cpu_ptr_;
}

void SyncedMemory::set_cpu_data(void* data) {
  calls.set = true;
  CHECK(data);
  if (own_cpu_data_) barista::memory::free_after_views(cpu_ptr_);
  cpu_ptr_ = data;
  head_ = HEAD_AT_CPU;
  own_cpu_data_ = false;
  if (barista::memory::Mirror* mirror = barista::memory::find_mirror(*this)) {
    const std::lock_guard<std::recursive_mutex> lock(mirror->mutex);
    mirror->valid = Valid::kHost;
  }
}

SyncedMemory::~SyncedMemory() {
  calls.end = true;
  barista::memory::forget(*this);
  if (cpu_ptr_ != nullptr && own_cpu_data_) barista::memory::free_after_views(cpu_ptr_);
  delete barista::memory::find_mirror(*this);
}

}  // namespace caffe
