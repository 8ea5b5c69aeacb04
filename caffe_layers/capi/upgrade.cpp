// Caffe's own upgrade of old nets and solvers, its lists of types, and what a file of weights in HDF5 holds.
//
// Messages cross serialised, so nothing is printed and read again on the way. What each function does, barista.h says.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "caffe/layer_factory.hpp"
#include "caffe/proto/caffe.pb.h"
#include "caffe/solver_factory.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "capi/barista.h"
#include "nlohmann/json.hpp"
#include "training/snapshot_check.hpp"

namespace {

int hand_out(const std::string& serialised, void** out, std::size_t* out_bytes) {
  *out = std::malloc(serialised.empty() ? 1 : serialised.size());
  if (*out == nullptr) return BARISTA_NO_MEMORY;
  std::memcpy(*out, serialised.data(), serialised.size());
  *out_bytes = serialised.size();
  return BARISTA_UPGRADED;
}

template <typename Message>
int upgrade(bool (*upgrade_as_needed)(const std::string&, Message*), const char* file, const void* in, std::size_t in_bytes,
            void** out, std::size_t* out_bytes) {
  Message message;
  if (!message.ParseFromArray(in, static_cast<int>(in_bytes))) return BARISTA_NOT_PARSED;
  const bool complete = upgrade_as_needed(file, &message);
  const int handed = hand_out(message.SerializeAsString(), out, out_bytes);
  return handed == BARISTA_UPGRADED && !complete ? BARISTA_INCOMPLETE : handed;
}

std::string lines(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += name + '\n';
  return joined;
}

}  // namespace

int barista_upgrade_net(const char* file, const void* in, std::size_t in_bytes, void** out, std::size_t* out_bytes) {
  return upgrade(&caffe::UpgradeNetAsNeeded, file, in, in_bytes, out, out_bytes);
}

int barista_upgrade_solver(const char* file, const void* in, std::size_t in_bytes, void** out, std::size_t* out_bytes) {
  return upgrade(&caffe::UpgradeSolverAsNeeded, file, in, in_bytes, out, out_bytes);
}

void barista_release(void* buffer) { std::free(buffer); }

const char* barista_layer_types() {
  static const std::string types = lines(caffe::LayerRegistry<float>::LayerTypeList());
  return types.c_str();
}

const char* barista_solver_types() {
  static const std::string types = lines(caffe::SolverRegistry<float>::SolverTypeList());
  return types.c_str();
}

const char* barista_hdf5_layers(const char* path) {
  static std::string answer;
  std::vector<std::string> names;
  const std::string problem = barista::training::hdf5_layers(path, names);
  answer = nlohmann::json{{"layers", names}, {"problem", problem}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return answer.c_str();
}
