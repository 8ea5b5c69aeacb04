#include "memory/views.hpp"

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace barista::memory {
namespace {

struct Views {
  int living = 0;          // 0: all ended, and nobody has looked since
  bool abandoned = false;  // Caffe has no more use for the memory: it is freed with the last view
};

class Registry {
 public:
  void begin(const void* host) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++views_[host].living;
    any_ = true;
  }

  void end(const void* host) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = views_.find(host);
    if (found == views_.end()) return;
    Views& views = found->second;
    if (--views.living > 0 || !views.abandoned) return;
    caffe::CaffeFreeHost(const_cast<void*>(host), /*use_cuda=*/false);
    erase(found);
  }

  // Whether there is one, or was since the last time.
  bool look(const void* host) {
    if (!any_) return false;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = views_.find(host);
    if (found == views_.end()) return false;
    if (found->second.living == 0) erase(found);
    return true;
  }

  bool has(const void* host) {
    if (!any_) return false;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = views_.find(host);
    return found != views_.end() && found->second.living > 0;
  }

  void free(void* host) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = views_.find(host);
      if (found != views_.end() && found->second.living > 0) {
        found->second.abandoned = true;
        return;
      }
      if (found != views_.end()) erase(found);
    }
    caffe::CaffeFreeHost(host, /*use_cuda=*/false);
  }

 private:
  using Map = std::unordered_map<const void*, Views>;

  void erase(Map::iterator entry) {
    views_.erase(entry);
    any_ = !views_.empty();
  }

  std::mutex mutex_;
  Map views_;
  std::atomic<bool> any_ = false;  // nets without views do not so much as take the lock
};

// Memory that the device wrote and the host has still to get.
class Owed {
 public:
  void add(caffe::SyncedMemory* memory) {
    const std::lock_guard<std::mutex> lock(mutex_);
    memories_.insert(memory);
    any_ = true;
  }

  void remove(caffe::SyncedMemory* memory) {
    if (!any_) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    memories_.erase(memory);
    any_ = !memories_.empty();
  }

  std::unordered_set<caffe::SyncedMemory*> take() {
    if (!any_) return {};
    const std::lock_guard<std::mutex> lock(mutex_);
    any_ = false;
    return std::exchange(memories_, {});
  }

 private:
  std::mutex mutex_;
  std::unordered_set<caffe::SyncedMemory*> memories_;
  std::atomic<bool> any_ = false;
};

// Never destroyed: memory and views may end after static objects do.
Registry& registry() {
  static auto& it = *new Registry;
  return it;
}
Owed& owed() {
  static auto& it = *new Owed;
  return it;
}

std::atomic<std::uint64_t> turns = 1;
thread_local Side here = Side::kPython;

}  // namespace

Side cross_to(Side side) {
  if (side == here) return side;
  if (side == Side::kCaffe) {
    ++turns;
  } else {
    for (caffe::SyncedMemory* memory : owed().take()) memory->cpu_data();
  }
  return std::exchange(here, side);
}

void begin_view(const void* host) { registry().begin(host); }
void end_view(const void* host) { registry().end(host); }

std::uint64_t turn_of_views(const void* host) {
  if (!registry().look(host)) return 0;
  return here == Side::kPython ? ++turns : turns.load();
}

bool has_views(const void* host) { return registry().has(host); }

void device_wrote(caffe::SyncedMemory& memory, const void* host) {
  if (!registry().has(host)) return;
  if (here == Side::kPython) {
    memory.cpu_data();
  } else {
    owed().add(&memory);
  }
}

void forget(caffe::SyncedMemory& memory) { owed().remove(&memory); }

void free_after_views(void* host) { registry().free(host); }

}  // namespace barista::memory
