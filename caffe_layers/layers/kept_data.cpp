#include "layers/kept_data.hpp"

#include "memory/device_memory.hpp"
#include "ops/elementwise.hpp"

namespace barista::layers {

void KeptData::Copy::make(device::Program& program, const device::Buffer& contents, int count) {
  if (buffer.bytes() < count * sizeof(float)) buffer = program.device().allocate(count * sizeof(float));
  ops::elementwise_forward(program, ops::power(1, 1, 0), contents, buffer, count);
  made = true;
}

void KeptData::keep(device::Program& program, const device::Buffer& contents, int count) { copy_->make(program, contents, count); }

void KeptData::keep_before_in_place(device::Program& program, const caffe::Blob<float>& top, bool signs_only) {
  copy_->made = false;
  memory::before_in_place(top, copy_.get(), signs_only, program.device(),
                          [&program, copy = std::weak_ptr<Copy>(copy_), count = top.count()](device::Buffer& contents) {
                            if (const std::shared_ptr<Copy> made = copy.lock()) made->make(program, contents, count);
                          });
}

}  // namespace barista::layers
