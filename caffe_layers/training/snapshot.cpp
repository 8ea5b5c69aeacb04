#include "training/snapshot.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "caffe/util/io.hpp"
#include "caffe/util/upgrade_proto.hpp"
#include "training/not_finite.hpp"
#include "training/snapshot_check.hpp"
#include "training/solver_members.hpp"

namespace barista::training {
namespace {

using caffe::Net;
using caffe::SGDSolver;
using nlohmann::json;

bool writes_hdf5(const SGDSolver<float>& solver) {
  return solver.param().snapshot_format() == caffe::SolverParameter_SnapshotFormat_HDF5;
}

std::string problem_of(SGDSolver<float>& solver, const std::string& model, const std::string& state) {
  if (const std::string problem = check_model(*solver.net(), model); !problem.empty()) {
    return model + " " + problem;
  }
  if (const std::string problem = check_state(solver, state); !problem.empty()) {
    return state + " " + problem;
  }
  return "";
}

// What SGDSolver::RestoreSolverStateFromBinaryProto does, with the weights by their layers' place in the net. Caffe finds layers by
// name, and gives what it read for any layer of a name to the first one that is called so.
void restore_by_position(SGDSolver<float>& solver, const std::string& path) {
  caffe::SolverState state;
  caffe::ReadProtoFromBinaryFileOrDie(path, &state);
  caffe::NetParameter model;
  caffe::ReadNetParamsFromBinaryFileOrDie(state.learned_net(), &model);
  const auto& layers = solver.net()->layers();
  CHECK_EQ(model.layer_size(), static_cast<int>(layers.size())) << "The snapshot is of a net with other layers";
  for (int i = 0; i < model.layer_size(); ++i) {
    const auto& blobs = layers[i]->blobs();
    CHECK_EQ(model.layer(i).name(), layers[i]->layer_param().name()) << "The snapshot is of a net with other layers";
    CHECK_EQ(model.layer(i).blobs_size(), static_cast<int>(blobs.size()))
        << "Incompatible number of blobs for layer " << model.layer(i).name();
    for (std::size_t blob = 0; blob < blobs.size(); ++blob) {
      blobs[blob]->FromProto(model.layer(i).blobs(static_cast<int>(blob)), false);
    }
  }
  CHECK_EQ(state.history_size(), static_cast<int>(solver.history().size())) << "Incorrect length of history blobs.";
  for (int i = 0; i < state.history_size(); ++i) {
    solver.history()[i]->FromProto(state.history(i));
  }
  solver.*SolverMembers::iteration() = state.iter();
  solver.*SolverMembers::current_step() = state.current_step();
}

// Weights, and gradients where they are wanted, with 1 KiB a layer for all the rest.
std::int64_t model_bytes(SGDSolver<float>& solver) {
  std::int64_t values = 0;
  for (const auto& layer : solver.net()->layers()) {
    for (const auto& blob : layer->blobs()) {
      values += static_cast<std::int64_t>(blob->count()) * (solver.param().snapshot_diff() ? 2 : 1);
    }
  }
  return values * static_cast<std::int64_t>(sizeof(float)) + 1024 * static_cast<std::int64_t>(solver.net()->layers().size());
}

std::int64_t state_bytes(SGDSolver<float>& solver) {
  std::int64_t values = 0;
  for (const auto& blob : solver.history()) {
    values += blob->count();
  }
  return values * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace

json write_snapshot(SGDSolver<float>& solver, const std::string& aside_prefix, const std::string& final_prefix) {
  if (json found = first_not_finite_parameter(*solver.net()); !found.is_null()) {
    return {{"not_finite", std::move(found)}};
  }
  const std::string suffix = writes_hdf5(solver) ? ".h5" : "";
  const std::string configured = solver.param().snapshot_prefix();
  const auto set_prefix = [&](const std::string& prefix) { (solver.*SolverMembers::param()).set_snapshot_prefix(prefix); };
  const auto filename = [&](const std::string& extension) {
    return (solver.*SolverMembers::snapshot_filename())(extension + suffix);
  };
  set_prefix(final_prefix);
  const std::string learned_net = filename(".caffemodel");
  set_prefix(aside_prefix);
  const auto write_model = writes_hdf5(solver) ? SolverMembers::snapshot_to_hdf5() : SolverMembers::snapshot_to_binary_proto();
  const std::string model = (solver.*write_model)();
  (solver.*SolverMembers::snapshot_solver_state())(learned_net);
  const std::string state = filename(".solverstate");
  set_prefix(configured);
  return {{"model", model}, {"state", state}, {"problem", problem_of(solver, model, state)}};
}

void restore_snapshot(SGDSolver<float>& solver, const std::string& path) {
  const bool hdf5 = path.size() > 3 && path.compare(path.size() - 3, 3, ".h5") == 0;
  if (!hdf5 && !repeated_names(*solver.net()).empty()) {
    restore_by_position(solver, path);
  } else {
    solver.Restore(path.c_str());
  }
}

std::string snapshot_problem(SGDSolver<float>& solver) {
  if (writes_hdf5(solver)) {
    const std::string problem = hdf5_problem(*solver.net());
    return problem.empty() ? "" : problem + "; rename the layer, or say 'snapshot_format: BINARYPROTO'";
  }
  constexpr std::int64_t kMostBytes = std::numeric_limits<std::int32_t>::max();  // of a protocol buffer
  const std::int64_t bytes = std::max(model_bytes(solver), state_bytes(solver));
  return bytes > kMostBytes ? "a file of it would take " + std::to_string(bytes) + " bytes, and the format ends at 2 GiB; say " +
                                  "'snapshot_format: HDF5'"
                            : "";
}

std::int64_t snapshot_bytes(SGDSolver<float>& solver) { return model_bytes(solver) + state_bytes(solver); }

json repeated_names(const Net<float>& net) {
  std::map<std::string, std::vector<std::size_t>> parameters;
  for (const auto& layer : net.layers()) {
    parameters[layer->layer_param().name()].push_back(layer->blobs().size());
  }
  json repeated = json::array();
  for (const auto& [name, counts] : parameters) {
    if (counts.size() > 1 && std::any_of(counts.begin(), counts.end(), [](std::size_t count) { return count > 0; })) {
      repeated.push_back({name, counts});
    }
  }
  return repeated;
}

}  // namespace barista::training
