// How a process that runs Caffe ends: its parent is told of a CHECK that failed, or of LOG(FATAL), and of the layer at work; and a
// time is set by which it is gone.
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "capi/barista.h"
#include "glog/logging.h"
#include "layers/at_work.hpp"
#include "nlohmann/json.hpp"

namespace barista::capi {
namespace {

// A pipe takes a line of this length in one piece (POSIX: 512 at least; Linux: 4,096). Messages are cut to leave room for the rest.
constexpr std::size_t kMessageBytes = 2000, kErrorBytes = 500;

// The layer that is being made, as Net::Init says it in Caffe's log. All nets are made in one thread.
std::string& layer_in_the_making() {
  static std::string name;
  return name;
}

// This thread's last error: of an image that can't be read or decoded Caffe says no more than that, and fails of what comes of it.
std::string& last_error() {
  static thread_local std::string text;
  return text;
}

std::string layer_name() {
  const layers::Work& work = layers::at_work();
  return work.layer != nullptr ? work.layer->name() : layer_in_the_making();
}

// The file that a layer takes its data from, or "".
std::string source_of(const caffe::LayerParameter& layer) {
  if (layer.has_data_param()) return layer.data_param().source();
  if (layer.has_image_data_param()) return layer.image_data_param().source();
  if (layer.has_window_data_param()) return layer.window_data_param().source();
  return layer.hdf5_data_param().source();
}

// Follows Caffe's log, to know which layer it was at, and writes one JSON line when a fatal message passes.
class FailureReport : public google::LogSink {
 public:
  explicit FailureReport(int file_descriptor) : file_descriptor_(file_descriptor) {}

  void send(google::LogSeverity severity, const char* /*path*/, const char* file, int line, const std::tm* /*time*/,
            const char* text, std::size_t bytes) override {
    const std::string_view message(text, bytes);
    if (severity == google::GLOG_FATAL) {
      report(message.substr(0, kMessageBytes), std::string(file) + ":" + std::to_string(line));
    } else if (severity == google::GLOG_ERROR) {
      last_error() = message.substr(0, kErrorBytes);
    } else {
      follow(message);
    }
  }

 private:
  // The registry says "Creating layer NAME" before a layer's constructor runs, Net::Init "Creating Layer NAME" after it, and ends with the
  // others.
  void follow(std::string_view message) {
    constexpr std::string_view kConstructing = "Creating layer ", kCreating = "Creating Layer ";
    const std::string_view beginning = message.substr(0, kCreating.size());
    if (beginning == kConstructing || beginning == kCreating) {
      layer_in_the_making() = message.substr(kCreating.size());
    } else if (message == "Network initialization done." || message.find("does not need backward computation") != message.npos) {
      layer_in_the_making().clear();
    }
  }

  void report(std::string_view message, const std::string& place) const {
    const layers::Work& work = layers::at_work();
    nlohmann::json event = {{"event", "fatal"}, {"message", message}, {"layer", layer_name()}, {"place", place}};
    if (!last_error().empty()) event["error"] = last_error();
    if (work.layer != nullptr) {
      if (const std::string source = source_of(*work.layer); !source.empty()) event["source"] = source;
      if (work.layer->transform_param().has_mean_file()) event["mean_file"] = work.layer->transform_param().mean_file();
    }
    if (const std::string item = work.item ? work.item() : ""; !item.empty()) event["item"] = item;
    const std::string line = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    // Whether it arrived can't be told any more: the process is about to end.
    [[maybe_unused]] const ssize_t written = write(file_descriptor_, line.data(), line.size());
  }

  int file_descriptor_;
};

}  // namespace
}  // namespace barista::capi

void barista_report_fatal_to(int file_descriptor) {
  // Lives as long as glog, which may call it up to the end.
  google::AddLogSink(new barista::capi::FailureReport(file_descriptor));
}

const char* barista_layer_at_work() {
  static std::string name;
  name = barista::capi::layer_name();
  return name.c_str();
}

// A handler in C, so that it works within C++ and when Python has gone.
void barista_end_within(unsigned seconds) {
  struct sigaction action = {};
  action.sa_handler = [](int) { kill(0, SIGKILL); };
  sigaction(SIGALRM, &action, nullptr);
  alarm(seconds);
}
