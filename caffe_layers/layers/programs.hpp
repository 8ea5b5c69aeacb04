// The programs of this process, and which of them a layer runs by.
//
// Caffe's registry hands a layer nothing but its LayerParameter, so at Caffe's edge one object has to answer "the program of this layer".
// A layer asks once, in LayerSetUp; nothing below layers/ knows of it. The default program is of the bitstream that BARISTA_BITSTREAM
// names, on the device that it was built for (the one numbered BARISTA_DEVICE_INDEX where there are several). A prototxt names another
// one for a layer by param_str: {"bitstream": "PATH, or the recipe's name of a bitstream that is open"}. Bitstreams that were built for
// one device share it.
#ifndef BARISTA_LAYERS_PROGRAMS_HPP_
#define BARISTA_LAYERS_PROGRAMS_HPP_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device/counters.hpp"
#include "device/program.hpp"

namespace barista::layers {

// What a layer is that runs by a program, whatever its type.
class RunsByProgram {
 public:
  virtual ~RunsByProgram() = default;
  // Null where it runs by none: in a net of doubles, or before LayerSetUp.
  virtual device::Program* program_or_null() const = 0;
};

// Any thread may call. All throw device::Error. Programs and devices stay open until the process ends.
class Programs {
 public:
  // This process's.
  static Programs& of_process();

  // Opened on first use; after a failure it may be tried again.
  device::Program& standard();
  // The program of the bitstream at a path, opened where it isn't yet, or that of the open one whose recipe has the name `bitstream`.
  device::Program& named(const std::string& bitstream);

  // One of the programs on a device on which there is one: for work that any program does alike.
  device::Program& on(const device::Device& device);

  // What was done on all devices together.
  device::Counters counters();
  // Waits for all devices.
  void finish();

 private:
  device::Program& open(const std::string& path, int device_index);

  std::mutex mutex_;
  device::Program* standard_ = nullptr;
  std::vector<std::unique_ptr<device::Program>> programs_;
  std::vector<device::Device*> devices_;
};

}  // namespace barista::layers

#endif  // BARISTA_LAYERS_PROGRAMS_HPP_
