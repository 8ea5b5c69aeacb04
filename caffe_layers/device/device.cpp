#include "device/device.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "device/device_state.hpp"

namespace barista::device {

// Queues ----------------------------------------------------------------------------------------------------------------------------

// They keep times only while somebody records, so that nobody else pays for it.
QueueHandle DeviceState::make_queue() const {
  cl_int status = CL_SUCCESS;
  const cl_command_queue_properties properties = recording.is_on() ? CL_QUEUE_PROFILING_ENABLE : 0;
  QueueHandle queue(clCreateCommandQueue(context.get(), present.id, properties, &status));
  check(status, "making a queue on " + present.name);
  return queue;
}

void DeviceState::require_units(std::size_t units) {
  while (order.size() < kUnits + units) order.add(make_queue());
}

void DeviceState::renew_queues() {
  for (std::size_t q = 0; q < order.size(); ++q) order.replace(q, make_queue());
}

std::size_t DeviceState::number_of(std::size_t q) const {
  const std::size_t units = order.size() - kUnits;
  return q >= kUnits ? q - kUnits : units + q;
}

void DeviceState::finish() {
  release();
  for (std::size_t q = 0; q < order.size(); ++q) check(order.finish(q), "waiting for " + present.name);
}

void DeviceState::settle() noexcept {
  deferred.reset();
  for (std::size_t q = 0; q < order.size(); ++q) order.finish(q);
  order.forget_notes();
  launched.clear();
}

// Zeros -----------------------------------------------------------------------------------------------------------------------------

void DeviceState::write_zeros(BufferState& target, std::size_t bytes) {
  order.after_all(kUploads, target.history);
  const Point point = submit(kUploads, "zero", bytes, [&](cl_command_queue queue, const WaitList& list, cl_event* event) {
    const unsigned char pattern = 0;
    return clEnqueueFillBuffer(queue, target.memory.get(), &pattern, sizeof pattern, 0, bytes, list.size(), list.data(), event);
  });
  order.wrote(target.history, kUploads, point, order.next_group());
  order.flush(kUploads);
}

void DeviceState::settle_zero(BufferState& buffer) {
  if (std::exchange(buffer.zero, false)) write_zeros(buffer, buffer.bytes);
}

// Device ----------------------------------------------------------------------------------------------------------------------------

namespace {

void require_memory(const BufferState* buffer, const char* what) {
  if (buffer == nullptr) throw Error(std::string(what) + ": the buffer has no memory; allocate it first");
}

void require_fits(const char* what, std::size_t bytes, std::size_t size) {
  if (bytes <= size) return;
  throw Error(std::string(what) + " of " + std::to_string(bytes) + " bytes: the buffer has " + std::to_string(size));
}

}  // namespace

Device::Device(const Bitstream& bitstream, int index) : state_(std::make_unique<DeviceState>()) {
  DeviceState& state = *state_;
  state.present = choose(bitstream, index);
  state.start_memory.release();  // here too, so that what the drivers took to start does not lie below what a program takes
  cl_int status = CL_SUCCESS;
  state.context = ContextHandle(clCreateContext(nullptr, 1, &state.present.id, nullptr, nullptr, &status));
  check(status, "opening " + state.present.name);
  state.require_units(0);
  state.unused = allocate(kTransferAlignment);
  state.counters = {};
}

Device::~Device() {
  if (!exiting) state_->settle();
}

std::string Device::name() const { return state_->present.name; }

bool Device::takes(const Bitstream& bitstream) const {
  return state_->present.platform == bitstream.platform && state_->present.name == bitstream.device;
}

Buffer Device::allocate(std::size_t bytes) {
  if (bytes == 0) throw Error("device memory of 0 bytes: at least 1 is needed");
  cl_int status = CL_SUCCESS;
  MemoryHandle memory(clCreateBuffer(state_->context.get(), CL_MEM_READ_WRITE, bytes, nullptr, &status));
  if (status != CL_SUCCESS) check(status, "device memory of " + std::to_string(bytes) + " bytes on " + state_->present.name);
  const std::lock_guard<std::mutex> lock(state_->mutex);
  ++state_->counters.buffers_created;
  return Buffer(std::make_shared<BufferState>(*this, std::move(memory), bytes));
}

const Buffer& Device::unused() const { return state_->unused; }

void Device::upload(Buffer& buffer, const void* host, std::size_t bytes, bool ahead) {
  DeviceState& state = *state_;
  require_memory(buffer.state_.get(), "upload");
  require_fits("upload", bytes, buffer.bytes());
  if (bytes == 0) return;
  constexpr std::size_t q = DeviceState::kUploads;
  Order& order = state.order;
  std::unique_lock<std::mutex> lock(state.mutex);
  BufferState& target = *buffer.state_;
  state.release_for(target);
  if (bytes == target.bytes) target.zero = false;
  state.settle_zero(target);
  const bool idle =
      order.is_done(q, order.last(q)) && order.all_done(target.history.writers) && order.all_done(target.history.readers);
  StagingBuffer* staged = nullptr;
  if (Staging::is_worth_it(bytes, idle)) {
    staged = &state.staging.take(bytes, [&](const Point& use) { return order.is_done(q, use); });
    // Without the lock: another thread's launch need not wait for this thread's copy.
    lock.unlock();
    std::memcpy(staged->bytes.get(), host, bytes);
    lock.lock();
    state.release_for(target);
  }
  order.after_all(q, target.history);
  const auto write = [&](cl_command_queue queue, const WaitList& list, cl_event* event) {
    const void* from = staged == nullptr ? host : staged->bytes.get();
    return clEnqueueWriteBuffer(queue, target.memory.get(), CL_FALSE, 0, bytes, from, list.size(), list.data(), event);
  };
  const Point point = state.submit(q, ahead ? "prefetch" : "upload", bytes, write);
  if (staged != nullptr) {
    staged->taken = false;
    staged->use = point;
  }
  order.wrote(target.history, q, point, order.next_group());
  order.flush(q);
  ++state.counters.uploads;
  state.counters.upload_bytes += bytes;
  lock.unlock();
  if (staged == nullptr) {
    const cl_event event = point.event.get();
    check(clWaitForEvents(1, &event), "upload to " + state.present.name);
  }
}

void Device::download(const Buffer& buffer, void* host, std::size_t bytes) {
  DeviceState& state = *state_;
  require_memory(buffer.state_.get(), "download");
  require_fits("download", bytes, buffer.bytes());
  if (bytes == 0) return;
  constexpr std::size_t q = DeviceState::kDownloads;
  const std::shared_ptr<BufferState> source = buffer.state_;
  Point point;
  {
    const std::lock_guard<std::mutex> lock(state.mutex);
    state.release_for(*source);
    if (source->zero) {
      std::memset(host, 0, bytes);
      return;
    }
    state.order.after_writers(q, source->history);
    point = state.submit(q, "download", bytes, [&](cl_command_queue queue, const WaitList& list, cl_event* event) {
      return clEnqueueReadBuffer(queue, source->memory.get(), CL_FALSE, 0, bytes, host, list.size(), list.data(), event);
    });
    state.order.read(source->history, q, point);
    state.order.flush(q);
    ++state.counters.downloads;
    ++state.counters.waits;
    state.counters.download_bytes += bytes;
  }
  // Without the lock: another thread's upload need not wait for this one's kernels.
  const cl_event event = point.event.get();
  check(clWaitForEvents(1, &event), "download from " + state.present.name);
  const std::lock_guard<std::mutex> lock(state.mutex);
  state.order.is_known_done(q, point);
}

void Device::zero(Buffer& buffer) {
  require_memory(buffer.state_.get(), "zero");
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->release_for(*buffer.state_);
  buffer.state_->zero = true;
  buffer.state_->history.version = History::next_version();
}

void Device::zero(Buffer& buffer, std::size_t bytes) {
  require_memory(buffer.state_.get(), "zero");
  require_fits("zero", bytes, buffer.bytes());
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->release_for(*buffer.state_);
  state_->settle_zero(*buffer.state_);
  state_->write_zeros(*buffer.state_, bytes);
}

bool Device::take_zero(Buffer& buffer, std::size_t bytes) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return buffer.bytes() == bytes && std::exchange(buffer.state_->zero, false);
}

void Device::finish() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  ++state_->counters.waits;
  state_->finish();
}

Counters Device::counters() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->counters;
}

void Device::begin_recording() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->finish();
  state_->recording.begin();
  state_->renew_queues();
}

std::vector<Command> Device::end_recording() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->finish();
  std::vector<Command> commands = state_->recording.end();
  state_->renew_queues();
  for (Command& command : commands) command.queue = state_->number_of(command.queue);
  return commands;
}

std::size_t Device::recorded() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->recording.size();
}

}  // namespace barista::device
