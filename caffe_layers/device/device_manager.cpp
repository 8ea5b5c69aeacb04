// How commands are ordered.
//
// Every queue is in-order and numbers its commands, so "command 7 of queue 1 is done" says the same of commands 1 to 6. A buffer
// remembers, for each queue, the last command that wrote it and the last that read it since; a command waits for the last writers of
// what it reads, and for the last writers and readers of what it writes. What a queue has once waited for, it need not wait for
// again, so most commands wait for nothing and no list of events grows with the work done.
#include "device/device_manager.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "device/device_choice.hpp"
#include "device/opencl.hpp"
#include "device/start_memory.hpp"

namespace barista::device {
namespace {

// Uploads up to this size are copied aside rather than waited for: the copy costs less than a wait.
constexpr std::size_t kStagedBytes = 256 * 1024;
// Uploads from this size on are waited for even behind other work: what crosses in every step is smaller, and such a copy would take as
// much memory again, for good.
constexpr std::size_t kNeverStagedBytes = 64 * 1024 * 1024;
constexpr std::size_t kStagingAlignment = 64;  // what a board's DMA engine wants
constexpr std::size_t kSmallestStagingBlock = 64 * 1024;

// A command by its queue's numbering; 0 is none.
struct Point {
  std::uint64_t sequence = 0;
  Event event;
};

// The last command on each queue.
using Points = std::vector<Point>;

struct Kernel {
  KernelHandle handle;
  cl_uint arguments = 0;
};

struct StagingBlock {
  struct Free {
    void operator()(unsigned char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<unsigned char, Free> bytes;
  std::size_t size = 0;
  bool taken = false;  // somebody is filling it
  Point use;           // the upload that reads it
};

Program load(const Bitstream& bitstream, cl_context context, cl_device_id device) {
  const std::size_t size = bitstream.binary.size();
  const unsigned char* bytes = bitstream.binary.data();
  cl_int accepted = CL_SUCCESS;
  cl_int status = CL_SUCCESS;
  Program program(clCreateProgramWithBinary(context, 1, &device, &size, &bytes, &accepted, &status));
  if (status == CL_SUCCESS) status = accepted;
  // The binary is built; PoCL asks for this option again when it runs.
  if (status == CL_SUCCESS) status = clBuildProgram(program.get(), 1, &device, "-cl-denorms-are-zero", nullptr, nullptr);
  if (status != CL_SUCCESS) {
    throw Error("bitstream " + bitstream.path + ": " + bitstream.device + " does not take it as a program (" + name_of(status) +
                ")" + mend(bitstream));
  }
  return program;
}

std::unordered_map<std::string, Kernel> make_kernels(const Bitstream& bitstream, cl_program program) {
  std::unordered_map<std::string, Kernel> kernels;
  for (const std::string& name : bitstream.kernels) {
    cl_int status = CL_SUCCESS;
    Kernel kernel;
    kernel.handle = KernelHandle(clCreateKernel(program, name.c_str(), &status));
    if (status != CL_SUCCESS) {
      throw Error("bitstream " + bitstream.path + ": its manifest names the kernel " + name + ", its program has none" +
                  mend(bitstream));
    }
    check(clGetKernelInfo(kernel.handle.get(), CL_KERNEL_NUM_ARGS, sizeof kernel.arguments, &kernel.arguments, nullptr),
          "reading the arguments of kernel " + name);
    kernels.emplace(name, std::move(kernel));
  }
  return kernels;
}

}  // namespace

// Buffers ------------------------------------------------------------------------------------------------------------------------

struct Buffer::Impl {
  Impl(Memory memory, std::size_t bytes, std::size_t queues)
      : memory(std::move(memory)), bytes(bytes), version(next_version()), writers(queues), readers(queues) {}

  static std::uint64_t next_version() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }

  Memory memory;
  std::size_t bytes;
  std::atomic<std::uint64_t> version;
  Points writers;
  Points readers;                // since the last write
  std::uint64_t last_group = 0;  // the group of commands that wrote last
  bool zero = false;             // it stands for zeros that were not written yet
};

Buffer::Buffer() = default;
Buffer::Buffer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Buffer::Buffer(Buffer&&) noexcept = default;
Buffer& Buffer::operator=(Buffer&&) noexcept = default;
// OpenCL keeps the memory until the commands that use it are done.
Buffer::~Buffer() = default;
std::size_t Buffer::bytes() const { return impl_ ? impl_->bytes : 0; }
std::uint64_t Buffer::version() const { return impl_ ? impl_->version.load() : 0; }

Argument::Argument(Use use, std::shared_ptr<Buffer::Impl> buffer) : use_(use), buffer_(std::move(buffer)) {}
Argument::Argument(std::vector<unsigned char> value) : use_(Use::kValue), value_(std::move(value)) {}
Buffer Argument::buffer() const { return Buffer(buffer_); }
Argument Argument::in(const Buffer& buffer) { return {Use::kRead, buffer.impl_}; }
Argument Argument::out(Buffer& buffer) { return {Use::kWrite, buffer.impl_}; }
Argument Argument::inout(Buffer& buffer) { return {Use::kReadWrite, buffer.impl_}; }

// DeviceManager ------------------------------------------------------------------------------------------------------------------

struct DeviceManager::Impl {
  using BufferImpl = Buffer::Impl;

  // The compute units' queues come first. Transfers have two: a download must not stand behind an upload that waits for a kernel.
  std::size_t upload_queue() const { return static_cast<std::size_t>(bitstream.recipe.compute_units); }
  std::size_t download_queue() const { return upload_queue() + 1; }

  struct QueueState {
    Queue handle;
    Point last;                         // the last command; it counts them
    std::uint64_t done = 0;             // commands known to have ended
    std::vector<std::uint64_t> waited;  // for each queue, up to which command this one has waited
  };

  // Events to wait for, at most one a queue.
  struct WaitList {
    std::vector<cl_event> events;
    cl_uint size() const { return static_cast<cl_uint>(events.size()); }
    const cl_event* data() const { return events.empty() ? nullptr : events.data(); }
  };

  Bitstream bitstream;
  Device device;
  Context context;
  Program program;
  std::unordered_map<std::string, Kernel> kernels;
  std::vector<QueueState> queues;
  Buffer unused;
  std::deque<StagingBlock> staging;  // its blocks stay where they are
  Counters counters;
  std::uint64_t group = 0;
  WaitList waits;                    // kept from command to command for its memory
  std::vector<const Point*> latest;  // likewise: for each queue, what the next command waits for
  std::vector<Point> launched;       // likewise: the commands of the group being launched
  std::vector<Launch> held;          // a group that waits to be amended,
  std::size_t held_record = 0;       // and where it stands among the commands recorded
  bool recording = false;
  std::vector<Command> commands;  // those recorded
  std::vector<Event> events;      // theirs
  std::mutex mutex;

  void require(const BufferImpl* buffer, const char* what) const {
    if (buffer == nullptr) throw Error(std::string(what) + ": the buffer has no memory; allocate it first");
  }

  // Notes that the next command on queue `q` comes after the commands in `points`.
  void after(std::size_t q, const Points& points) {
    for (std::size_t other = 0; other < points.size(); ++other) {
      const Point& point = points[other];
      if (other == q || point.sequence <= queues[q].waited[other] || point.sequence <= queues[other].done) continue;
      if (latest[other] == nullptr || latest[other]->sequence < point.sequence) latest[other] = &point;
    }
  }

  void after_writers(std::size_t q, const BufferImpl& buffer) { after(q, buffer.writers); }

  void after_all(std::size_t q, const BufferImpl& buffer) {
    after(q, buffer.writers);
    after(q, buffer.readers);
  }

  // What the next command on queue `q` waits for, as noted by after(); the notes are used up. What has ended by now is left out: to ask
  // is cheaper than to have the device wait across queues.
  const WaitList& wait_list(std::size_t q) {
    waits.events.clear();
    for (std::size_t other = 0; other < latest.size(); ++other) {
      const Point* point = std::exchange(latest[other], nullptr);
      if (point == nullptr || is_done(other, *point)) continue;
      waits.events.push_back(point->event.get());
      queues[q].waited[other] = point->sequence;
    }
    return waits;
  }

  // Enqueues a command on queue `q`, after what after() noted. `enqueue` takes the queue, the wait list and where the event goes.
  // It is recorded last, or as command number `record`, which it was given before.
  template <typename Enqueue>
  Point submit(std::size_t q, const std::string& name, std::size_t bytes, const Enqueue& enqueue,
               std::optional<std::size_t> record = {}) {
    const WaitList& list = wait_list(q);
    cl_event event = nullptr;
    const std::int64_t enqueued = recording ? now() : 0;
    const cl_int status = enqueue(queues[q].handle.get(), list, &event);
    if (status != CL_SUCCESS) {
      settle();
      check(status, "a command on " + device.name);
    }
    queues[q].last = {queues[q].last.sequence + 1, Event(event)};
    if (recording) {
      if (!record) record = reserve(1);
      commands[*record] = {name, q, bytes, enqueued, 0, 0};
      events[*record] = queues[q].last.event;
    }
    return queues[q].last;
  }

  // Room for `count` more commands that are recorded. Returns the first one's number.
  std::size_t reserve(std::size_t count) {
    const std::size_t first = commands.size();
    if (recording) {
      commands.resize(first + count);
      events.resize(first + count);
    }
    return first;
  }

  static std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

  // Queues that keep the times of their commands, or don't. With nothing under way.
  void make_queues(cl_command_queue_properties properties) {
    for (QueueState& queue : queues) {
      cl_int status = CL_SUCCESS;
      queue.handle = Queue(clCreateCommandQueue(context.get(), device.id, properties, &status));
      check(status, "making a queue on " + device.name);
    }
  }

  // The times of the commands recorded, which have ended. A device has a clock of its own, which runs ahead of the host's by as much as
  // the shortest time from the host's enqueueing to the device's knowing.
  void fill_in_times() {
    std::int64_t ahead = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < commands.size(); ++i)
      ahead = std::min(ahead, time_of(i, CL_PROFILING_COMMAND_QUEUED) - commands[i].enqueued);
    for (std::size_t i = 0; i < commands.size(); ++i) {
      commands[i].began = time_of(i, CL_PROFILING_COMMAND_START) - ahead;
      commands[i].ended = time_of(i, CL_PROFILING_COMMAND_END) - ahead;
    }
  }

  std::int64_t time_of(std::size_t command, cl_profiling_info what) const {
    cl_ulong time = 0;
    check(clGetEventProfilingInfo(events[command].get(), what, sizeof time, &time, nullptr),
          "asking for the time of " + commands[command].name);
    return static_cast<std::int64_t>(time);
  }

  void wrote(BufferImpl& buffer, std::size_t q, const Point& point, std::uint64_t of_group) {
    if (buffer.last_group != of_group) {
      buffer.last_group = of_group;
      buffer.version = BufferImpl::next_version();
      for (Point& writer : buffer.writers) writer = Point();
      for (Point& reader : buffer.readers) reader = Point();
    }
    buffer.writers[q] = point;
  }

  void read(BufferImpl& buffer, std::size_t q, const Point& point) { buffer.readers[q] = point; }

  // Whether no command of `points` is under way. Asks the runtime, waits for nothing.
  bool all_done(const Points& points) {
    for (std::size_t q = 0; q < points.size(); ++q) {
      if (!is_done(q, points[q])) return false;
    }
    return true;
  }

  bool is_done(std::size_t q, const Point& point) {
    if (point.sequence <= queues[q].done) return true;
    cl_int status = CL_QUEUED;
    check(clGetEventInfo(point.event.get(), CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr),
          "asking for a command");
    if (status != CL_COMPLETE) return false;
    queues[q].done = std::max(queues[q].done, point.sequence);
    return true;
  }

  StagingBlock& staging_block(std::size_t bytes) {
    const std::size_t q = upload_queue();
    for (StagingBlock& block : staging) {
      if (block.size >= bytes && !block.taken && is_done(q, block.use)) return block;
    }
    std::size_t size = kSmallestStagingBlock;
    while (size < bytes) size *= 2;
    auto* memory = static_cast<unsigned char*>(std::aligned_alloc(kStagingAlignment, size));
    if (memory == nullptr) throw Error("upload: no host memory for " + std::to_string(size) + " bytes");
    StagingBlock block;
    block.bytes.reset(memory);
    block.size = size;
    staging.push_back(std::move(block));
    return staging.back();
  }

  const Kernel& kernel_of(const Launch& launch) const {
    const auto found = kernels.find(launch.kernel);
    if (found == kernels.end()) {
      throw Error("kernel " + launch.kernel + ": bitstream " + bitstream.path + " has none of that name" + mend(bitstream));
    }
    if (launch.unit < 0 || launch.unit >= bitstream.recipe.compute_units) {
      throw Error("kernel " + launch.kernel + ": compute unit " + std::to_string(launch.unit) + " of recipe " +
                  bitstream.recipe.name + ", whose units are 0 to " + std::to_string(bitstream.recipe.compute_units - 1));
    }
    const Kernel& kernel = found->second;
    if (launch.arguments.size() != kernel.arguments) {
      throw Error("kernel " + launch.kernel + ": " + std::to_string(launch.arguments.size()) + " arguments given, it takes " +
                  std::to_string(kernel.arguments) + mend(bitstream));
    }
    return kernel;
  }

  void set_argument(const Launch& launch, cl_kernel kernel, std::size_t index) const {
    const Argument& argument = launch.arguments[index];
    const bool is_value = argument.use_ == Argument::Use::kValue;
    if (!is_value && argument.buffer_ == nullptr) {
      throw Error("kernel " + launch.kernel + ": argument " + std::to_string(index) +
                  " is a buffer without memory; allocate it first");
    }
    const cl_mem memory = is_value ? nullptr : argument.buffer_->memory.get();
    const std::size_t size = is_value ? argument.value_.size() : sizeof memory;
    const void* value = is_value ? static_cast<const void*>(argument.value_.data()) : &memory;
    const cl_int status = clSetKernelArg(kernel, static_cast<cl_uint>(index), size, value);
    if (status == CL_SUCCESS) return;
    check(status, "kernel " + launch.kernel + ": argument " + std::to_string(index) + " of " + std::to_string(size) + " bytes");
  }

  void write_zeros(BufferImpl& target, std::size_t bytes) {
    const std::size_t q = upload_queue();
    after_all(q, target);
    const Point point = submit(q, "zero", bytes, [&](cl_command_queue queue, const WaitList& list, cl_event* event) {
      const unsigned char pattern = 0;
      return clEnqueueFillBuffer(queue, target.memory.get(), &pattern, sizeof pattern, 0, bytes, list.size(), list.data(), event);
    });
    wrote(target, q, point, ++group);
    flush(q);
  }

  // Before anything else is done with `buffer`.
  void settle_zero(BufferImpl& buffer) {
    if (std::exchange(buffer.zero, false)) write_zeros(buffer, buffer.bytes);
  }

  void enqueue(const Launch& launch, std::optional<std::size_t> record) {
    const Kernel& kernel = kernel_of(launch);
    for (std::size_t i = 0; i < launch.arguments.size(); ++i) set_argument(launch, kernel.handle.get(), i);
    const auto q = static_cast<std::size_t>(launch.unit);
    for (const Argument& argument : launch.arguments) {
      if (argument.use_ != Argument::Use::kValue) settle_zero(*argument.buffer_);
    }
    for (const Argument& argument : launch.arguments) {
      if (argument.use_ == Argument::Use::kRead) after_writers(q, *argument.buffer_);
      if (writes(argument)) after_all(q, *argument.buffer_);
    }
    launched.push_back(submit(
        q, launch.kernel, 0,
        [&](cl_command_queue queue, const WaitList& list, cl_event* event) {
          return clEnqueueTask(queue, kernel.handle.get(), list.size(), list.data(), event);
        },
        record));
  }

  // Enqueues a group, recorded from command number `record` on, or last.
  void launch(const std::vector<Launch>& group, std::optional<std::size_t> first_record) {
    try {
      std::vector<bool> used(queues.size());
      for (std::size_t i = 0; i < group.size(); ++i) {
        enqueue(group[i], first_record ? std::optional(*first_record + i) : std::nullopt);
        used[static_cast<std::size_t>(group[i].unit)] = true;
      }
      record(group);
      for (std::size_t q = 0; q < used.size(); ++q) {
        if (used[q]) flush(q);
      }
    } catch (...) {
      settle();
      throw;
    }
  }

  // Enqueues the group that is held back, if there is one.
  void release() {
    if (held.empty()) return;
    const std::vector<Launch> group = std::exchange(held, {});
    launch(group, held_record);
  }

  // Before a command that isn't a launch uses `buffer`.
  void release_for(const BufferImpl& buffer) {
    for (const Launch& launch : held) {
      for (const Argument& argument : launch.arguments) {
        if (argument.buffer_.get() == &buffer) return release();
      }
    }
  }

  static bool writes(const Argument& argument) {
    return argument.use_ == Argument::Use::kWrite || argument.use_ == Argument::Use::kReadWrite;
  }

  static bool writes(const Launch& launch, const BufferImpl* buffer) {
    for (const Argument& argument : launch.arguments) {
      if (writes(argument) && argument.buffer_.get() == buffer) return true;
    }
    return false;
  }

  // Enters the group's commands in the histories of their buffers: writes first, since a write forgets the readers before it.
  void record(const std::vector<Launch>& launches) {
    ++group;
    for (bool writes : {true, false}) {
      for (std::size_t i = 0; i < launched.size(); ++i) {
        const auto q = static_cast<std::size_t>(launches[i].unit);
        for (const Argument& argument : launches[i].arguments) {
          if (argument.use_ == Argument::Use::kValue || (argument.use_ != Argument::Use::kRead) != writes) continue;
          if (writes) {
            wrote(*argument.buffer_, q, launched[i], group);
          } else {
            read(*argument.buffer_, q, launched[i]);
          }
        }
      }
    }
    launched.clear();
  }

  void flush(std::size_t q) { check(clFlush(queues[q].handle.get()), "submitting commands"); }

  void finish() {
    release();
    for (QueueState& queue : queues) {
      check(clFinish(queue.handle.get()), "waiting for " + device.name);
      queue.done = queue.last.sequence;
    }
  }

  // After a command that failed: nothing is under way, so that no history is wrong.
  void settle() noexcept {
    held.clear();
    for (QueueState& queue : queues) {
      if (clFinish(queue.handle.get()) == CL_SUCCESS) queue.done = queue.last.sequence;
    }
    std::fill(latest.begin(), latest.end(), nullptr);
    launched.clear();
  }
};

namespace {

DeviceManager* process_device = nullptr;

void leave() {
  try {
    if (process_device != nullptr) process_device->finish();
  } catch (const std::exception&) {
    // The process ends; there is nobody left to tell.
  }
  exiting = true;
}

int device_index() {
  const char* text = std::getenv("BARISTA_DEVICE_INDEX");
  if (text == nullptr || *text == '\0') return 0;
  char* end = nullptr;
  const long index = std::strtol(text, &end, 10);
  if (*end != '\0' || index < 0 || index > 1000) {
    throw Error("BARISTA_DEVICE_INDEX is '" + std::string(text) + "', it must be a number from 0");
  }
  return static_cast<int>(index);
}

DeviceManager* open_process_device() {
  const char* path = std::getenv("BARISTA_BITSTREAM");
  if (path == nullptr || *path == '\0') {
    throw Error(
        "BARISTA_BITSTREAM is not set: it must name a bitstream (.aocx); 'barista build' makes one, 'barista env' prints the "
        "setting");
  }
  auto manager = std::make_unique<DeviceManager>(Bitstream::open(path), device_index());
  // Never destroyed: Caffe's own static objects may free their memory after any destructor of ours, and the OpenCL runtime ends its
  // threads in an exit handler. It set that handler when it was loaded, just now, so ours, set later, runs before it.
  std::atexit(leave);
  process_device = manager.get();
  return manager.release();
}

}  // namespace

DeviceManager& DeviceManager::instance() {
  static DeviceManager* manager = open_process_device();
  return *manager;
}

DeviceManager::DeviceManager(const Bitstream& bitstream, int device_index) : impl_(std::make_unique<Impl>()) {
  Impl& impl = *impl_;
  const StartMemory start_memory;
  impl.bitstream = bitstream;
  impl.device = choose(bitstream, device_index);
  start_memory.release();  // here too, so that what the drivers took to start does not lie below what the program takes
  cl_int status = CL_SUCCESS;
  impl.context = Context(clCreateContext(nullptr, 1, &impl.device.id, nullptr, nullptr, &status));
  check(status, "opening " + impl.device.name);
  impl.program = load(bitstream, impl.context.get(), impl.device.id);
  impl.bitstream.binary = {};  // the runtime has its own copy
  impl.kernels = make_kernels(bitstream, impl.program.get());
  impl.queues.resize(impl.download_queue() + 1);
  impl.latest.resize(impl.queues.size());
  for (Impl::QueueState& queue : impl.queues) queue.waited.resize(impl.queues.size());
  impl.make_queues(0);
  impl.unused = allocate(kStagingAlignment);
  impl.counters = {};
  start_memory.release();
}

DeviceManager::~DeviceManager() {
  if (!exiting) impl_->settle();
}

const Recipe& DeviceManager::recipe() const { return impl_->bitstream.recipe; }
const Bitstream& DeviceManager::bitstream() const { return impl_->bitstream; }
std::string DeviceManager::device_name() const { return impl_->device.name; }

Buffer DeviceManager::allocate(std::size_t bytes) {
  if (bytes == 0) throw Error("device memory of 0 bytes: at least 1 is needed");
  cl_int status = CL_SUCCESS;
  Memory memory(clCreateBuffer(impl_->context.get(), CL_MEM_READ_WRITE, bytes, nullptr, &status));
  if (status != CL_SUCCESS) check(status, "device memory of " + std::to_string(bytes) + " bytes on " + impl_->device.name);
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  ++impl_->counters.buffers_created;
  return Buffer(std::make_shared<Buffer::Impl>(std::move(memory), bytes, impl_->queues.size()));
}

const Buffer& DeviceManager::unused() const { return impl_->unused; }

namespace {

void require_fits(const char* what, std::size_t bytes, std::size_t size) {
  if (bytes <= size) return;
  throw Error(std::string(what) + " of " + std::to_string(bytes) + " bytes: the buffer has " + std::to_string(size));
}

}  // namespace

void DeviceManager::upload(Buffer& buffer, const void* host, std::size_t bytes, bool ahead) {
  Impl& impl = *impl_;
  impl.require(buffer.impl_.get(), "upload");
  require_fits("upload", bytes, buffer.bytes());
  if (bytes == 0) return;
  std::unique_lock<std::mutex> lock(impl.mutex);
  Buffer::Impl& target = *buffer.impl_;
  impl.release_for(target);
  if (bytes == target.bytes) target.zero = false;
  impl.settle_zero(target);
  const std::size_t q = impl.upload_queue();
  // Straight from the caller's memory only where that waits for nothing but the copy, or the copy aside would be too large.
  const bool idle = impl.is_done(q, impl.queues[q].last) && impl.all_done(target.writers) && impl.all_done(target.readers);
  const bool staged = bytes <= kStagedBytes || (!idle && bytes < kNeverStagedBytes);
  StagingBlock* block = staged ? &impl.staging_block(bytes) : nullptr;
  if (block != nullptr) {
    // Without the lock: another thread's launch need not wait for this thread's copy.
    block->taken = true;
    lock.unlock();
    std::memcpy(block->bytes.get(), host, bytes);
    lock.lock();
    impl.release_for(target);
  }
  impl.after_all(q, target);
  const auto write = [&](cl_command_queue queue, const Impl::WaitList& list, cl_event* event) {
    const void* from = block == nullptr ? host : block->bytes.get();
    return clEnqueueWriteBuffer(queue, target.memory.get(), CL_FALSE, 0, bytes, from, list.size(), list.data(), event);
  };
  const Point point = impl.submit(q, ahead ? "prefetch" : "upload", bytes, write);
  if (block != nullptr) {
    block->taken = false;
    block->use = point;
  }
  impl.wrote(target, q, point, ++impl.group);
  impl.flush(q);
  ++impl.counters.uploads;
  impl.counters.upload_bytes += bytes;
  lock.unlock();
  if (block == nullptr) {
    const cl_event event = point.event.get();
    check(clWaitForEvents(1, &event), "upload to " + impl.device.name);
  }
}

void DeviceManager::download(const Buffer& buffer, void* host, std::size_t bytes) {
  Impl& impl = *impl_;
  impl.require(buffer.impl_.get(), "download");
  require_fits("download", bytes, buffer.bytes());
  if (bytes == 0) return;
  const std::shared_ptr<Buffer::Impl> source = buffer.impl_;
  const std::size_t q = impl.download_queue();
  Point point;
  {
    const std::lock_guard<std::mutex> lock(impl.mutex);
    impl.release_for(*source);
    if (source->zero) {
      std::memset(host, 0, bytes);
      return;
    }
    impl.after_writers(q, *source);
    point = impl.submit(q, "download", bytes, [&](cl_command_queue queue, const Impl::WaitList& list, cl_event* event) {
      return clEnqueueReadBuffer(queue, source->memory.get(), CL_FALSE, 0, bytes, host, list.size(), list.data(), event);
    });
    impl.read(*source, q, point);
    impl.flush(q);
    ++impl.counters.downloads;
    ++impl.counters.waits;
    impl.counters.download_bytes += bytes;
  }
  // Without the lock: another thread's upload need not wait for this one's kernels.
  const cl_event event = point.event.get();
  check(clWaitForEvents(1, &event), "download from " + impl.device.name);
  const std::lock_guard<std::mutex> lock(impl.mutex);
  impl.queues[q].done = std::max(impl.queues[q].done, point.sequence);
}

void DeviceManager::zero(Buffer& buffer) {
  Impl& impl = *impl_;
  impl.require(buffer.impl_.get(), "zero");
  const std::lock_guard<std::mutex> lock(impl.mutex);
  impl.release_for(*buffer.impl_);
  buffer.impl_->zero = true;
  buffer.impl_->version = Buffer::Impl::next_version();
}

bool DeviceManager::take_zero(Buffer& buffer, std::size_t bytes) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return buffer.bytes() == bytes && std::exchange(buffer.impl_->zero, false);
}

void DeviceManager::zero(Buffer& buffer, std::size_t bytes) {
  Impl& impl = *impl_;
  impl.require(buffer.impl_.get(), "zero");
  const std::lock_guard<std::mutex> lock(impl.mutex);
  impl.release_for(*buffer.impl_);
  impl.settle_zero(*buffer.impl_);
  impl.write_zeros(*buffer.impl_, bytes);
}

void DeviceManager::launch(const std::vector<Launch>& group) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->release();
  impl_->launch(group, {});
  impl_->counters.launches += group.size();
}

void DeviceManager::launch_held(std::vector<Launch> group) {
  Impl& impl = *impl_;
  const std::lock_guard<std::mutex> lock(impl.mutex);
  impl.release();
  for (const Launch& launch : group) {
    impl.kernel_of(launch);  // what is wrong with it is said now, not to whom comes next
    for (const Argument& argument : launch.arguments) {
      if (Impl::writes(argument) && argument.buffer_ != nullptr) argument.buffer_->version = Buffer::Impl::next_version();
    }
  }
  impl.held_record = impl.reserve(group.size());
  impl.counters.launches += group.size();
  impl.held = std::move(group);
}

bool DeviceManager::amend(const Buffer& buffer, const std::function<bool(std::vector<Launch>&)>& change) {
  Impl& impl = *impl_;
  std::vector<Launch> group;
  std::size_t record = 0;
  {
    const std::lock_guard<std::mutex> lock(impl.mutex);
    if (impl.held.empty() || !Impl::writes(impl.held.front(), buffer.impl_.get())) return false;
    group = std::exchange(impl.held, {});
    record = impl.held_record;
  }
  const auto hold_again = [&](bool changed) {
    const std::lock_guard<std::mutex> lock(impl.mutex);
    impl.release();
    impl.counters.amended += changed ? 1 : 0;
    impl.held = std::move(group);
    impl.held_record = record;
  };
  bool changed = false;
  try {
    changed = change(group);  // without the lock: it may launch
  } catch (...) {
    hold_again(false);
    throw;
  }
  hold_again(changed);
  return changed;
}

void DeviceManager::finish() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  ++impl_->counters.waits;
  impl_->finish();
}

Counters DeviceManager::counters() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return impl_->counters;
}

// Queues keep times only while somebody records, so that nobody else pays for it.
void DeviceManager::begin_recording() {
  Impl& impl = *impl_;
  const std::lock_guard<std::mutex> lock(impl.mutex);
  impl.finish();
  impl.commands.clear();
  impl.events.clear();
  impl.make_queues(CL_QUEUE_PROFILING_ENABLE);
  impl.recording = true;
}

std::vector<Command> DeviceManager::end_recording() {
  Impl& impl = *impl_;
  const std::lock_guard<std::mutex> lock(impl.mutex);
  impl.finish();
  impl.recording = false;
  impl.fill_in_times();
  impl.make_queues(0);
  impl.events.clear();
  return std::exchange(impl.commands, {});
}

std::size_t DeviceManager::recorded() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return impl_->commands.size();
}

}  // namespace barista::device
