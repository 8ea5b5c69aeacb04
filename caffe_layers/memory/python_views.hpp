// Has Python tell of the views that pycaffe hands out (views.hpp), in processes in which nobody called barista.load(): a script, or the
// stock tool with layers of type Python, under LD_PRELOAD.
#ifndef BARISTA_MEMORY_PYTHON_VIEWS_HPP_
#define BARISTA_MEMORY_PYTHON_VIEWS_HPP_

namespace barista::memory {

// Python does so already.
void views_are_told();

// To be called for each host memory that is handed out to be written. Where that is pycaffe's doing, and the first time, barista/runtime/views.py,
// which BARISTA_VIEWS names, is run. The memory at `host` may be the view that is just being made: it counts as having one for ever.
void have_views_told(const void* host);

}  // namespace barista::memory

#endif  // BARISTA_MEMORY_PYTHON_VIEWS_HPP_
