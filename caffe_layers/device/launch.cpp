#include "device/launch.hpp"

#include <utility>

namespace barista::device {

Argument::Argument(Use use, std::shared_ptr<BufferState> buffer) : use_(use), buffer_(std::move(buffer)) {}
Argument::Argument(std::vector<unsigned char> value) : use_(Use::kValue), value_(std::move(value)) {}
Buffer Argument::buffer() const { return Buffer(buffer_); }
bool Argument::is_of(const Buffer& buffer) const { return buffer_ != nullptr && buffer_ == buffer.state_; }
Argument Argument::in(const Buffer& buffer) { return {Use::kRead, buffer.state_}; }
Argument Argument::out(Buffer& buffer) { return {Use::kWrite, buffer.state_}; }
Argument Argument::inout(Buffer& buffer) { return {Use::kReadWrite, buffer.state_}; }

}  // namespace barista::device
