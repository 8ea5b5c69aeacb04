// What is given back once a program is loaded: of files that were mapped meanwhile, what is as in the file, and nothing else.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

#include "device/start_memory.hpp"

namespace barista::testing {
namespace {

using device::StartMemory;

constexpr std::size_t kPages = 4;

std::size_t page_bytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

// A private mapping of a file of sevens, as of a library.
class MappedFile {
 public:
  MappedFile() : path_(::testing::TempDir() + "barista_start_memory_" + std::to_string(getpid())) {
    std::ofstream(path_, std::ios::binary) << std::string(bytes(), '\7');
    std::FILE* file = std::fopen(path_.c_str(), "rb");
    memory_ = static_cast<unsigned char*>(mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0));
    std::fclose(file);
  }
  ~MappedFile() {
    munmap(memory_, bytes());
    std::remove(path_.c_str());
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  static std::size_t bytes() { return kPages * page_bytes(); }
  unsigned char& first_of(std::size_t page) { return memory_[page * page_bytes()]; }
  void make_read_only() { ASSERT_EQ(mprotect(memory_, bytes(), PROT_READ), 0); }

  int sum_of_firsts() {
    int sum = 0;
    for (std::size_t page = 0; page < kPages; ++page) sum += *static_cast<volatile unsigned char*>(&first_of(page));
    return sum;
  }

  // Pages of it in this process's page table: bit 63 of each entry.
  std::size_t resident_pages() {
    const int pagemap = open("/proc/self/pagemap", O_RDONLY);
    std::uint64_t entries[kPages] = {};
    const auto offset = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(memory_) / page_bytes() * sizeof entries[0]);
    EXPECT_EQ(pread(pagemap, entries, sizeof entries, offset), static_cast<ssize_t>(sizeof entries));
    close(pagemap);
    std::size_t resident = 0;
    for (const std::uint64_t entry : entries) resident += entry >> 63;
    return resident;
  }

 private:
  std::string path_;
  unsigned char* memory_ = nullptr;
};

TEST(StartMemory, GivesBackWhatIsAsInItsFile) {
  const StartMemory start_memory;
  MappedFile library;
  library.make_read_only();
  ASSERT_EQ(library.sum_of_firsts(), 4 * 7);
  ASSERT_EQ(library.resident_pages(), kPages);
  start_memory.release();
  EXPECT_EQ(library.resident_pages(), 0U);
  EXPECT_EQ(library.sum_of_firsts(), 4 * 7) << "it is read again where it is used again";
}

TEST(StartMemory, KeepsWhatDiffersFromItsFile) {
  const StartMemory start_memory;
  MappedFile library;
  library.first_of(2) = 9;  // as a relocation, after which the loader forbids to write
  library.make_read_only();
  start_memory.release();
  EXPECT_EQ(library.first_of(2), 9);
}

TEST(StartMemory, KeepsWhatMayBeWritten) {
  const StartMemory start_memory;
  MappedFile library;
  ASSERT_EQ(library.sum_of_firsts(), 4 * 7);
  start_memory.release();
  EXPECT_EQ(library.resident_pages(), kPages);
}

TEST(StartMemory, LeavesAloneWhatWasThereBefore) {
  MappedFile library;
  library.make_read_only();
  ASSERT_EQ(library.sum_of_firsts(), 4 * 7);
  const StartMemory start_memory;
  start_memory.release();
  EXPECT_EQ(library.resident_pages(), kPages);
}

}  // namespace
}  // namespace barista::testing
