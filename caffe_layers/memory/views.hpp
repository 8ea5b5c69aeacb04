// Host memory of which somebody outside Caffe holds views, such as NumPy's, and reads and writes it without a call that says so.
//
// To stock Caffe a view is the memory itself. Here the device has copies, so memory with a living view counts as written whenever its
// holder had a turn since a copy was taken, and what the device writes there is on the host before its holder has the next turn. A thread
// that says that it is in Caffe is in one turn until it leaves; any other has another turn at every look, which is as right, with more
// copies. Memory is known by its address on the host, which is what a view has of it: blobs may come to share it and to part.
#ifndef BARISTA_MEMORY_VIEWS_HPP_
#define BARISTA_MEMORY_VIEWS_HPP_

#include <cstdint>

#include "caffe/syncedmem.hpp"

namespace barista::memory {

enum class Side { kPython, kCaffe };

// This thread goes over to `side`; returns where it was. To kPython, views are brought up to date; to kCaffe, it is another turn.
Side cross_to(Side side);

// One more, or one less, view of the memory at `host`.
void begin_view(const void* host);
void end_view(const void* host);

// The turn in which this thread is, if views of the memory at `host` live, or ended since this was last asked; else 0.
std::uint64_t turn_of_views(const void* host);

// The device has written `memory`, which is at `host`: its views are brought up to date now or, in a pass, at its end.
void device_wrote(caffe::SyncedMemory& memory, const void* host);

bool has_views(const void* host);

// `memory` ends.
void forget(caffe::SyncedMemory& memory);

// Frees the memory at `host`, which Caffe allocated: now, or when the last view of it ends.
void free_after_views(void* host);

}  // namespace barista::memory

#endif  // BARISTA_MEMORY_VIEWS_HPP_
