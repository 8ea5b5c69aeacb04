// The device copy of one SyncedMemory with its coherence state: the mirror, and where it hangs.
//
// A CPU-only Caffe never touches SyncedMemory::gpu_ptr_, which its constructor sets to null: the mirror hangs there. So it is found
// without a table, none can be left over at an address that another SyncedMemory gets later, and two threads that work on different
// memory never meet. Each mirror has a lock of its own: stock Caffe lets several threads read one blob.
#ifndef BARISTA_MEMORY_MIRROR_HPP_
#define BARISTA_MEMORY_MIRROR_HPP_

#include <cstdint>
#include <forward_list>
#include <functional>
#include <mutex>
#include <vector>

#include "caffe/syncedmem.hpp"
#include "device/device.hpp"

namespace barista::memory {

// Which of the two copies hold the contents.
enum class Valid { kHost, kBoth, kDevice };

// Who wants to have what the device holds before a layer works on it in place (before_in_place() of device_memory.hpp), and on which device.
struct Keeper {
  const void* owner;
  device::Device* device;
  bool wants_signs_only;
  std::function<void(device::Buffer&)> keep;
};

struct Mirror {
  std::recursive_mutex mutex;  // recursive: filling the mirror asks for the host's copy, which looks at the mirror
  // The device's copy, as large as the SyncedMemory, whatever part of it a blob uses: that on the device that used it last, or null where
  // none did. Each of `buffers` is of another device and stays where it is; those but the current one hold nothing.
  device::Buffer* buffer = nullptr;
  std::forward_list<device::Buffer> buffers;
  Valid valid = Valid::kHost;
  std::uint64_t turn = 0;  // that in which views of the host's copy were last taken as written (views.hpp)
  int open_writes = 0;     // write accesses under way,
  bool unfilled = false;   // one of which did without the host's copy
  bool emptied = false;    // the host's copy was given back to the system once
  std::vector<Keeper> keepers;
};

// The mirror of `memory`, or null where none was ever asked for.
Mirror* find_mirror(const caffe::SyncedMemory& memory);

// The mirror of `memory`, made without a buffer, the host's copy valid, where there is none.
Mirror& mirror_of(caffe::SyncedMemory& memory);

// Makes the mirror's buffer the one on `device`, which is allocated where there is none; `memory` has more than 0 bytes. What
// another device alone has comes to the host first. Throws device::Error where that other device's copy is just being written. With the
// mirror's lock held.
void move_to(caffe::SyncedMemory& memory, Mirror& mirror, device::Device& device);

// Copies the host's contents, which alone are valid, to the device; `ahead` of who wants them, which is for those who record commands.
// With the mirror's lock held.
void fill(caffe::SyncedMemory& memory, Mirror& mirror, bool ahead = false);

// The host's copy alone is valid where somebody holds a view of it and may have written since the device's was taken. With the mirror's
// lock held.
void take_views_as_written(const caffe::SyncedMemory& memory, Mirror& mirror);

// The device has written: brings views of the host's copy up to date or, where there are none, gives its memory back as below. With the
// mirror's lock held.
void end_write(caffe::SyncedMemory& memory, Mirror& mirror);

// The device's copy alone is valid, or is about to be. With the mirror's lock held.
void invalidate_host(caffe::SyncedMemory& memory, Mirror& mirror);

// Gives the pages of the host's copy, which is out of date, back to the system; does nothing when called again. So contents that the host
// only filled in once, such as initial weights, take host memory no longer. A later read downloads them, and then the host's pages
// stay. Addresses stay valid. With the mirror's lock held.
void empty_host_copy(caffe::SyncedMemory& memory, Mirror& mirror);

// Which of SyncedMemory's members this thread has called that arrived in this library, since the last take_calls().
struct Calls {
  bool read = false;
  bool write = false;
  bool set = false;
  bool end = false;
};
Calls take_calls();

}  // namespace barista::memory

#endif  // BARISTA_MEMORY_MIRROR_HPP_
