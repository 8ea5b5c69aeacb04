// Tells the parent of a worker process why Caffe ended it: a CHECK that failed, or LOG(FATAL).
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "glog/logging.h"
#include "nlohmann/json.hpp"

namespace barista::plugin {
namespace {

// A pipe takes a line of this length in one piece (POSIX: 512 at least; Linux: 4,096). Messages are cut to leave room for the rest.
constexpr std::size_t kMessageBytes = 2000;

// Follows Caffe's log, to know which layer it was at, and writes one JSON line when a fatal message passes.
class FailureReport : public google::LogSink {
 public:
  explicit FailureReport(int file_descriptor) : file_descriptor_(file_descriptor) {}

  void send(google::LogSeverity severity, const char* /*path*/, const char* file, int line, const std::tm* /*time*/,
            const char* text, std::size_t bytes) override {
    const std::string_view message(text, bytes);
    if (severity == google::GLOG_FATAL) {
      report(message.substr(0, kMessageBytes), std::string(file) + ":" + std::to_string(line));
    } else {
      follow(message);
    }
  }

 private:
  // Net::Init says "Creating Layer NAME" before each layer, and ends with the others.
  void follow(std::string_view message) {
    constexpr std::string_view kCreating = "Creating Layer ";
    if (message.substr(0, kCreating.size()) == kCreating) {
      layer_ = message.substr(kCreating.size());
    } else if (message == "Network initialization done." || message.find("does not need backward computation") != message.npos) {
      layer_.clear();
    }
  }

  void report(std::string_view message, const std::string& place) const {
    const nlohmann::json event = {{"event", "fatal"}, {"message", message}, {"layer", layer_}, {"place", place}};
    const std::string line = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    // Whether it arrived can't be told any more: the process is about to end.
    [[maybe_unused]] const ssize_t written = write(file_descriptor_, line.data(), line.size());
  }

  int file_descriptor_;
  std::string layer_;
};

}  // namespace
}  // namespace barista::plugin

#define BARISTA_EXPORT extern "C" __attribute__((visibility("default")))

// Writes {"event": "fatal", "message": ..., "layer": the layer being made or "", "place": "file.cpp:line"} to `file_descriptor` when
// Caffe gives up. Once a process.
BARISTA_EXPORT void barista_training_report_to(int file_descriptor) {
  // Lives as long as glog, which may call it up to the end.
  google::AddLogSink(new barista::plugin::FailureReport(file_descriptor));
}
