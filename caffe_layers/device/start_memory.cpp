#include "device/start_memory.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace barista::device {
namespace {

// A mapped range, as /proc/self/smaps tells of it.
struct Mapping {
  void* begin = nullptr;
  void* end = nullptr;
  bool writable = false;
  std::string file;
  // kB that the process has for itself, resident and swapped out; -1 until the system has told it.
  long own_kb = -1;
  long swapped_kb = -1;

  // Whether nothing in it differs from the file, as relocations and breakpoints do: what differs would be lost.
  bool is_as_in_file() const { return own_kb == 0 && swapped_kb == 0 && !writable; }
};

// Those of files.
std::vector<Mapping> mapped_files() {
  std::vector<Mapping> found;
  bool of_file = false;
  std::ifstream smaps("/proc/self/smaps");
  for (std::string line; std::getline(smaps, line);) {
    Mapping mapping;
    char may[5] = "";
    int name = 0;
    if (of_file && line.rfind("Anonymous:", 0) == 0) {
      std::sscanf(line.c_str(), "%*s %ld", &found.back().own_kb);
    } else if (of_file && line.rfind("Swap:", 0) == 0) {
      std::sscanf(line.c_str(), "%*s %ld", &found.back().swapped_kb);
    } else if (std::sscanf(line.c_str(), "%p-%p %4s %*s %*s %*s %n", &mapping.begin, &mapping.end, may, &name) == 3) {
      of_file = name > 0 && line[static_cast<std::size_t>(name)] == '/';
      if (!of_file) continue;
      mapping.writable = may[1] == 'w';
      mapping.file = line.substr(static_cast<std::size_t>(name));
      found.push_back(mapping);
    }
  }
  return found;
}

}  // namespace

StartMemory::StartMemory() {
  for (const Mapping& mapping : mapped_files()) there_before_.insert(mapping.file);
}

void StartMemory::release() const {
  malloc_trim(0);
  for (const Mapping& mapping : mapped_files()) {
    if (there_before_.count(mapping.file) != 0 || !mapping.is_as_in_file()) continue;
    const auto bytes = static_cast<char*>(mapping.end) - static_cast<char*>(mapping.begin);
    madvise(mapping.begin, static_cast<std::size_t>(bytes), MADV_DONTNEED);
  }
}

}  // namespace barista::device
