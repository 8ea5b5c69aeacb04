// What a driver and its compiler took to start and to load a program, given back to the system.
//
// Drivers for processors bring LLVM along. Its static objects and the loading of a binary touch some 80 MB of the libraries' files, and
// leave freed memory in the heap, of which training uses next to nothing.
#ifndef BARISTA_DEVICE_START_MEMORY_HPP_
#define BARISTA_DEVICE_START_MEMORY_HPP_

#include <set>
#include <string>

namespace barista::device {

class StartMemory {
 public:
  // To be made before the drivers are loaded: what the process has by then is none of theirs.
  StartMemory();

  // Has the libraries that came since be read from their files again where they are used again, and gives freed memory back.
  // Takes some ten milliseconds. Where the system won't, nothing is lost.
  void release() const;

 private:
  std::set<std::string> there_before_;
};

}  // namespace barista::device

#endif  // BARISTA_DEVICE_START_MEMORY_HPP_
