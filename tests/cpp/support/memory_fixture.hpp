// Blobs whose memory a test reads and writes on either side: what a kernel would do, what the host does, and the copies between.
#ifndef BARISTA_TESTS_SUPPORT_MEMORY_FIXTURE_HPP_
#define BARISTA_TESTS_SUPPORT_MEMORY_FIXTURE_HPP_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "memory/device_memory.hpp"
#include "support/caffe_fixture.hpp"

namespace barista::testing {

using caffe::Blob;
using device::Counters;
using memory::Access;
using memory::Use;
using Values = std::vector<float>;
using BlobAccess = Access (*)(const Blob<float>&, Use, device::Device&);

inline bool copies_always() {
  const char* wish = std::getenv("BARISTA_COPY_ALWAYS");
  return wish != nullptr && std::string(wish) == "1";
}

class Memory : public CaffeTest {
 protected:
  void device_writes(Blob<float>& blob, const Values& values, BlobAccess part = memory::data) {
    Access access = part(blob, Use::kWrite, device());
    device().upload(access.buffer(), values.data(), values.size() * sizeof(float));
  }

  Values device_reads(const Blob<float>& blob, BlobAccess part = memory::data, Use use = Use::kRead) {
    Values values(static_cast<std::size_t>(blob.count()));
    Access access = part(blob, use, device());
    device().download(access.buffer(), values.data(), values.size() * sizeof(float));
    return values;
  }

  // What a kernel does that accumulates.
  void device_adds(Blob<float>& blob, float increment, BlobAccess part = memory::data) {
    Values values(static_cast<std::size_t>(blob.count()));
    Access access = part(blob, Use::kReadWrite, device());
    device().download(access.buffer(), values.data(), values.size() * sizeof(float));
    for (float& value : values) value += increment;
    device().upload(access.buffer(), values.data(), values.size() * sizeof(float));
  }

  // Copies that the memory itself makes during `work`, which must not use device_...() above.
  template <typename Work>
  void expect_copies(std::uint64_t uploads, std::uint64_t downloads, const Work& work) {
    const Counters before = device().counters();
    work();
    if (copies_always()) return;
    const Counters after = device().counters();
    EXPECT_EQ(after.uploads - before.uploads, uploads) << "copies to the device";
    EXPECT_EQ(after.downloads - before.downloads, downloads) << "copies to the host";
  }
};

inline Values host_reads(const Blob<float>& blob) { return Values(blob.cpu_data(), blob.cpu_data() + blob.count()); }
inline void host_writes(Blob<float>& blob, const Values& values) {
  std::copy(values.begin(), values.end(), blob.mutable_cpu_data());
}

}  // namespace barista::testing

#endif  // BARISTA_TESTS_SUPPORT_MEMORY_FIXTURE_HPP_
