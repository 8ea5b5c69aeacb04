// Caffe's own upgrade of old nets and solvers, its lists of types, and what a file of weights in HDF5 holds, as C entry points for the
// harness (barista/net/upgrade.py).
//
// Messages cross serialised, so nothing is printed and read again on the way. A net or solver that Caffe cannot upgrade fails one of
// Caffe's CHECKs, which end the process: the harness calls from a process of its own and reads Caffe's sentence from its log.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "caffe/layer_factory.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/solver_factory.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "nlohmann/json.hpp"
#include "plugin/snapshot_check.hpp"

namespace {

// What the entry points return; barista/net/upgrade.py has the same numbers.
enum Status : int {
  kUpgraded = 0,
  kNotParsed = 1,   // not a serialised message of that type
  kIncomplete = 2,  // upgraded, except for what Caffe logged as a problem
  kNoMemory = 3,
};

Status hand_out(const std::string& serialised, void** out, std::size_t* out_bytes) {
  *out = std::malloc(serialised.empty() ? 1 : serialised.size());
  if (*out == nullptr) return kNoMemory;
  std::memcpy(*out, serialised.data(), serialised.size());
  *out_bytes = serialised.size();
  return kUpgraded;
}

template <typename Message>
int upgrade(bool (*upgrade_as_needed)(const std::string&, Message*), const char* file, const void* in, std::size_t in_bytes,
            void** out, std::size_t* out_bytes) {
  Message message;
  if (!message.ParseFromArray(in, static_cast<int>(in_bytes))) return kNotParsed;
  const bool complete = upgrade_as_needed(file, &message);
  const Status handed = hand_out(message.SerializeAsString(), out, out_bytes);
  return handed == kUpgraded && !complete ? kIncomplete : handed;
}

std::string lines(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += name + '\n';
  return joined;
}

}  // namespace

#define BARISTA_EXPORT extern "C" __attribute__((visibility("default")))

// Upgrades a serialised NetParameter of any of Caffe's formats to the present one. `file` is what Caffe's log calls it. On kUpgraded
// and kIncomplete, *out is a serialised NetParameter of *out_bytes that the caller gives back to barista_release.
BARISTA_EXPORT int barista_upgrade_net(const char* file, const void* in, std::size_t in_bytes, void** out, std::size_t* out_bytes) {
  return upgrade(&caffe::UpgradeNetAsNeeded, file, in, in_bytes, out, out_bytes);
}

// The same for a SolverParameter; nets inside it stay as they are.
BARISTA_EXPORT int barista_upgrade_solver(const char* file, const void* in, std::size_t in_bytes, void** out,
                                          std::size_t* out_bytes) {
  return upgrade(&caffe::UpgradeSolverAsNeeded, file, in, in_bytes, out, out_bytes);
}

BARISTA_EXPORT void barista_release(void* buffer) { std::free(buffer); }

// The layer types that this process's Caffe knows, one a line; valid until the process ends.
BARISTA_EXPORT const char* barista_layer_types() {
  static const std::string types = lines(caffe::LayerRegistry<float>::LayerTypeList());
  return types.c_str();
}

// The solver types, likewise.
BARISTA_EXPORT const char* barista_solver_types() {
  static const std::string types = lines(caffe::SolverRegistry<float>::SolverTypeList());
  return types.c_str();
}

// {"layers": names of those that the HDF5 file of weights at `path` has parameters of, "problem": what is wrong with the file, or ""},
// valid until the next call.
BARISTA_EXPORT const char* barista_hdf5_layers(const char* path) {
  static std::string answer;
  std::vector<std::string> names;
  const std::string problem = barista::plugin::hdf5_layers(path, names);
  answer = nlohmann::json{{"layers", names}, {"problem", problem}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return answer.c_str();
}
