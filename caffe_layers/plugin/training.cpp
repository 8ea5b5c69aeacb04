// What `barista train` needs of Caffe, as C entry points for its worker process (barista/train/worker.py), which holds the loop.
//
// A training owns one stock solver and takes Solver::Step and Solver::Solve apart, so that the caller sees every iteration and every
// batch of a test and may stop between any two. The calls into Caffe and their order are those of Caffe 1.0's solver.cpp; a test
// holds the weights against those of the stock tool, bit for bit.
//
// It also hands out and takes back what a snapshot of Caffe forgets: the random state, the place in the data, the window of losses
// behind the smoothed loss, and the hidden state that recurrent layers carry from batch to batch.
//
// Results are JSON in memory of the training, valid until the next call with it. All calls must come from one thread: Caffe's
// generator is a thread's own. Errors end the process, as Caffe's CHECKs do; see barista_training_report_to().
#include <cxxabi.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "google/protobuf/text_format.h"
#include "layers/at_work.hpp"
#include "layers/label_check.hpp"
#include "nlohmann/json.hpp"
#include "plugin/data_place.hpp"
#include "plugin/not_finite.hpp"
#include "plugin/random_state.hpp"
#include "plugin/snapshot_check.hpp"
#include "plugin/solver_members.hpp"

namespace barista::plugin {
namespace {

using caffe::Blob;
using caffe::Net;
using caffe::Solver;
using nlohmann::json;

// An output blob may hold a value for each image; a report of it need not.
constexpr int kReportedValues = 16;

// Floats are remembered by their bits: JSON has no NaN, and a run that diverged must resume as it was.
std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

float value_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

json bits_of(const float* values, std::size_t count) {
  json bits = json::array();
  for (std::size_t i = 0; i < count; ++i) {
    bits.push_back(bits_of(values[i]));
  }
  return bits;
}

// The layer that makes `blob`: the last one that has it as a top, since layers may work in place.
const caffe::LayerParameter* maker_of(const Net<float>& net, const Blob<float>* blob) {
  for (std::size_t i = net.layers().size(); i-- > 0;) {
    for (const Blob<float>* top : net.top_vecs()[i]) {
      if (top == blob) {
        return &net.layers()[i]->layer_param();
      }
    }
  }
  return nullptr;
}

// What is known of output number `index` besides its values.
json describe_output(const Net<float>& net, int index) {
  const int blob_index = net.output_blob_indices()[index];
  json output = {{"name", net.blob_names()[blob_index]}, {"loss_weight", net.blob_loss_weights()[blob_index]}};
  if (const auto* maker = maker_of(net, net.output_blobs()[index])) {
    const std::string type = stock_type(*maker);
    output["type"] = type;
    if (type == "Accuracy") {
      output["top_k"] = maker->accuracy_param().top_k();
      // A second top holds the accuracy of each class.
      output["first_top"] = maker->top(0) == net.blob_names()[blob_index];
    }
  }
  return output;
}

json train_outputs(const Net<float>& net) {
  json outputs = json::array();
  for (int i = 0; i < net.num_outputs(); ++i) {
    json output = describe_output(net, i);
    const Blob<float>& blob = *net.output_blobs()[i];
    output["values"] = std::vector<float>(blob.cpu_data(), blob.cpu_data() + std::min(blob.count(), kReportedValues));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

class Training {
 public:
  explicit Training(const caffe::SolverParameter& param) {
    reset_c_random();
    solver_.reset(caffe::SolverRegistry<float>::CreateSolver(param));
    sgd_ = dynamic_cast<caffe::SGDSolver<float>*>(solver_.get());
    CHECK(sgd_) << "Solver type " << param.type() << " is not one of Caffe's: its learning rate and history can't be reached";
    for (int index = 0; index <= static_cast<int>(solver_->test_nets().size()); ++index) {
      passes_.emplace_back(any_net(index));
    }
    start_window();
  }

  json describe() const {
    json tests = json::array();
    for (std::size_t i = 0; i < solver_->test_nets().size(); ++i) {
      tests.push_back({{"name", solver_->test_nets()[i]->name()}, {"batches", solver_->param().test_iter(static_cast<int>(i))}});
    }
    return {{"net", net().name()},
            {"solver", solver_->type()},
            {"iteration", solver_->iter()},
            {"batch", batch_size()},
            {"parameters", parameters()},
            {"tests", tests},
            {"layers", weighted_layers()},
            {"snapshot_bytes", model_bytes() + state_bytes()},
            {"snapshot_problem", snapshot_problem()},
            {"test_problem", test_problem()},
            {"repeated_names", repeated_names()}};
  }

  // Solver::Step, one iteration of it without the test and the snapshot. Where the loss is no longer a number there is no update, so
  // that the weights are those with which the pass was made, and the result says which blob was first not finite.
  json iterate() {
    const auto& param = solver_->param();
    const int iteration = solver_->iter();
    const bool display = param.display() != 0 && iteration % param.display() == 0;
    net().ClearParamDiffs();
    net().set_debug_info(display && param.debug_info());
    float loss = 0;
    for (int i = 0; i < param.iter_size(); ++i) {
      loss += net().ForwardBackward();
      if (!std::isfinite(loss)) {
        layers::check_labels(net());
        return {{"iteration", iteration}, {"loss", name_of_not_finite(loss)}, {"not_finite", first_not_finite(net())}};
      }
    }
    loss /= param.iter_size();
    update_smoothed_loss(loss);
    json result = {
        {"iteration", iteration}, {"loss", loss}, {"smoothed_loss", smoothed_loss()}, {"learning_rate", learning_rate()}};
    if (display) {
      result["outputs"] = train_outputs(net());
    }
    solver_->ApplyUpdate();
    return result;
  }

  // The forward pass with which Solver::Solve ends, for a last loss.
  json last_loss() {
    float loss = 0;
    net().Forward(&loss);
    if (!std::isfinite(loss)) {
      layers::check_labels(net());
      return {{"iteration", solver_->iter()}, {"loss", name_of_not_finite(loss)}, {"not_finite", first_not_finite(net())}};
    }
    update_smoothed_loss(loss);
    return {{"iteration", solver_->iter()}, {"loss", loss}, {"smoothed_loss", smoothed_loss()}, {"outputs", train_outputs(net())}};
  }

  // Solver::Test, in three parts: begin, test_iter batches, end.
  void begin_test(int index) {
    test_net(index).ShareTrainedLayersWith(&net());
    scores_.clear();
    test_loss_ = 0;
    tested_batches_ = 0;
  }

  void test_batch(int index) {
    float loss = 0;
    const auto& outputs = test_net(index).Forward(&loss);
    test_loss_ += loss;
    std::size_t score = 0;
    for (const Blob<float>* output : outputs) {
      const float* values = output->cpu_data();
      for (int i = 0; i < output->count(); ++i, ++score) {
        if (!std::isfinite(values[i])) {
          layers::check_labels(test_net(index));
        }
        if (tested_batches_ == 0) {
          scores_.push_back(values[i]);
        } else {
          scores_[score] += values[i];
        }
      }
    }
    ++tested_batches_;
  }

  json end_test(int index) {
    const Net<float>& tested = test_net(index);
    json outputs = json::array();
    std::size_t score = 0;
    // A test of no batches has no means; stock Caffe reports no output of it.
    for (int i = 0; i < tested.num_outputs() && tested_batches_ > 0; ++i) {
      json output = describe_output(tested, i);
      output["values"] = json::array();
      const int count = tested.output_blobs()[i]->count();
      for (int value = 0; value < count; ++value, ++score) {
        if (value < kReportedValues) {
          output["values"].push_back(scores_[score] / tested_batches_);
        }
      }
      outputs.push_back(std::move(output));
    }
    json result = {{"iteration", solver_->iter()}, {"net", index}, {"outputs", outputs}};
    if (solver_->param().test_compute_loss() && tested_batches_ > 0) {
      result["loss"] = test_loss_ / tested_batches_;
    }
    return result;
  }

  // Writes a stock snapshot under `aside_prefix` whose solver state names the model as it will be called under `final_prefix`, and
  // reads it back. `problem` is empty when the files hold what the solver holds. Of weights that are not finite none is written: the
  // result then only says which are not.
  json snapshot(const std::string& aside_prefix, const std::string& final_prefix) {
    if (json found = first_not_finite_parameter(net()); !found.is_null()) {
      return {{"not_finite", std::move(found)}};
    }
    const bool hdf5 = solver_->param().snapshot_format() == caffe::SolverParameter_SnapshotFormat_HDF5;
    const std::string suffix = hdf5 ? ".h5" : "";
    const std::string configured = solver_->param().snapshot_prefix();
    set_snapshot_prefix(final_prefix);
    const std::string learned_net = snapshot_filename(".caffemodel" + suffix);
    set_snapshot_prefix(aside_prefix);
    const auto write_model = hdf5 ? SolverMembers::snapshot_to_hdf5() : SolverMembers::snapshot_to_binary_proto();
    const std::string model = ((*solver_).*write_model)();
    ((*solver_).*SolverMembers::snapshot_solver_state())(learned_net);
    const std::string state = snapshot_filename(".solverstate" + suffix);
    set_snapshot_prefix(configured);
    return {{"model", model}, {"state", state}, {"problem", problem_of(model, state)}};
  }

  void restore(const std::string& state) {
    const bool hdf5 = state.size() > 3 && state.compare(state.size() - 3, 3, ".h5") == 0;
    if (!hdf5 && !repeated_names().empty()) {
      restore_by_position(state);
    } else {
      solver_->Restore(state.c_str());
    }
  }

  json not_finite_parameter() const { return first_not_finite_parameter(net()); }

  Net<float>& any_net(int index) { return index == 0 ? net() : test_net(index - 1); }

  // What a snapshot of Caffe forgets, except for the place in the data, which the caller counts.
  json memory() {
    const auto& losses = (*solver_).*SolverMembers::losses();
    json hidden = json::array();
    each_hidden_state([&](Blob<float>& blob) { hidden.push_back(bits_of(blob.cpu_data(), blob.count())); });
    return {{"caffe_random", caffe_random_state()},
            {"c_random", c_random_state()},
            {"losses", bits_of(losses.data(), losses.size())},
            {"smoothed_loss", bits_of(smoothed_loss())},
            {"window_start", window_start_},
            {"hidden_states", hidden}};
  }

  void remember(const json& memory) {
    const auto& hidden = memory.at("hidden_states");
    std::size_t next = 0;
    each_hidden_state([&](Blob<float>& blob) {
      // Another net than the one that was saved: Caffe has said what of it did not fit.
      if (next < hidden.size() && hidden[next].size() == static_cast<std::size_t>(blob.count())) {
        for (int i = 0; i < blob.count(); ++i) {
          blob.mutable_cpu_data()[i] = value_of(hidden[next][i]);
        }
      }
      ++next;
    });
    auto& losses = (*solver_).*SolverMembers::losses();
    losses.clear();
    for (const std::uint32_t bits : memory.at("losses")) {
      losses.push_back(value_of(bits));
    }
    smoothed_loss() = value_of(memory.at("smoothed_loss"));
    window_start_ = memory.at("window_start");
    restore_c_random_state(memory.at("c_random"));
    restore_caffe_random_state(memory.at("caffe_random"));
  }

  // As Solver::Step begins.
  void start_window() {
    ((*solver_).*SolverMembers::losses()).clear();
    smoothed_loss() = 0;
    window_start_ = solver_->iter();
  }

  std::string& answer() { return answer_; }

 private:
  Net<float>& net() const { return *solver_->net(); }
  Net<float>& test_net(int index) const { return *solver_->test_nets().at(index); }
  float& smoothed_loss() const { return (*solver_).*SolverMembers::smoothed_loss(); }

  void update_smoothed_loss(float loss) {
    const int window = solver_->param().average_loss();
    ((*solver_).*SolverMembers::update_smoothed_loss())(loss, window_start_, window);
  }

  // The rate of the update to come. Asking for it moves the step of the policy "multistep" on, which only the update may do.
  float learning_rate() {
    int& current_step = (*solver_).*SolverMembers::current_step();
    const int step = current_step;
    const float rate = (sgd_->*SgdMembers::learning_rate())();
    current_step = step;
    return rate;
  }

  void set_snapshot_prefix(const std::string& prefix) { ((*solver_).*SolverMembers::param()).set_snapshot_prefix(prefix); }

  std::string snapshot_filename(const std::string& extension) const {
    return ((*solver_).*SolverMembers::snapshot_filename())(extension);
  }

  // What SGDSolver::RestoreSolverStateFromBinaryProto does, with the weights by their layers' place in the net. Caffe finds layers by
  // name, and gives what it read for any layer of a name to the first one that is called so.
  void restore_by_position(const std::string& path) {
    caffe::SolverState state;
    caffe::ReadProtoFromBinaryFileOrDie(path, &state);
    caffe::NetParameter model;
    caffe::ReadNetParamsFromBinaryFileOrDie(state.learned_net(), &model);
    CHECK_EQ(model.layer_size(), static_cast<int>(net().layers().size())) << "The snapshot is of a net with other layers";
    for (int i = 0; i < model.layer_size(); ++i) {
      const auto& blobs = net().layers()[i]->blobs();
      CHECK_EQ(model.layer(i).name(), net().layers()[i]->layer_param().name()) << "The snapshot is of a net with other layers";
      CHECK_EQ(model.layer(i).blobs_size(), static_cast<int>(blobs.size()))
          << "Incompatible number of blobs for layer " << model.layer(i).name();
      for (std::size_t blob = 0; blob < blobs.size(); ++blob) {
        blobs[blob]->FromProto(model.layer(i).blobs(static_cast<int>(blob)), false);
      }
    }
    CHECK_EQ(state.history_size(), static_cast<int>(sgd_->history().size())) << "Incorrect length of history blobs.";
    for (int i = 0; i < state.history_size(); ++i) {
      sgd_->history()[i]->FromProto(state.history(i));
    }
    (*solver_).*SolverMembers::iteration() = state.iter();
    (*solver_).*SolverMembers::current_step() = state.current_step();
  }

  // Names that several layers have, of which at least one has parameters: [[name, [number of parameters of each]], ...].
  json repeated_names() const {
    std::map<std::string, std::vector<std::size_t>> parameters;
    for (const auto& layer : net().layers()) {
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

  // Why Caffe can't write this net's snapshots, or "".
  std::string snapshot_problem() const {
    if (solver_->param().snapshot_format() == caffe::SolverParameter_SnapshotFormat_HDF5) {
      const std::string problem = hdf5_problem(net());
      return problem.empty() ? "" : problem + "; rename the layer, or say 'snapshot_format: BINARYPROTO'";
    }
    constexpr std::int64_t kMostBytes = std::numeric_limits<std::int32_t>::max();  // of a protocol buffer
    const std::int64_t bytes = std::max(model_bytes(), state_bytes());
    return bytes > kMostBytes ? "a file of it would take " + std::to_string(bytes) + " bytes, and the format ends at 2 GiB; say " +
                                    "'snapshot_format: HDF5'"
                              : "";
  }

  // On what Net::ShareTrainedLayersWith, with which every test begins, would abort, or "".
  std::string test_problem() const {
    for (const auto& test : solver_->test_nets()) {
      for (const auto& layer : net().layers()) {
        const std::string& name = layer->layer_param().name();
        const auto& names = test->layer_names();
        const auto first = std::find(names.begin(), names.end(), name);
        if (first == names.end()) {
          continue;
        }
        const auto& blobs = test->layers()[first - names.begin()]->blobs();
        if (blobs.size() != layer->blobs().size()) {
          return "layer '" + name + "' has " + std::to_string(layer->blobs().size()) +
                 " parameters in the train net, and the first of " + "that name in the test net has " +
                 std::to_string(blobs.size());
        }
        for (std::size_t i = 0; i < blobs.size(); ++i) {
          if (blobs[i]->shape() != layer->blobs()[i]->shape()) {
            return "layer '" + name + "': parameter " + std::to_string(i) + " is " + layer->blobs()[i]->shape_string() +
                   " in the train net and " + blobs[i]->shape_string() + " in the test net";
          }
        }
      }
    }
    return "";
  }

  std::string problem_of(const std::string& model, const std::string& state) {
    if (const std::string problem = check_model(net(), model); !problem.empty()) {
      return model + " " + problem;
    }
    if (const std::string problem = check_state(*sgd_, state); !problem.empty()) {
      return state + " " + problem;
    }
    return "";
  }

  template <typename Visitor>
  void each_hidden_state(Visitor visit) {
    for (int index = 0; index <= static_cast<int>(solver_->test_nets().size()); ++index) {
      for (const auto& layer : any_net(index).layers()) {
        if (auto* recurrent = dynamic_cast<caffe::RecurrentLayer<float>*>(layer.get())) {
          for (Blob<float>* blob : recurrent->*RecurrentMembers::hidden_state()) {
            visit(*blob);
          }
        }
      }
    }
  }

  // Images a forward pass: the first extent of what the first layer that makes data makes.
  int batch_size() const {
    for (std::size_t i = 0; i < net().layers().size(); ++i) {
      if (net().bottom_vecs()[i].empty() && !net().top_vecs()[i].empty() && net().top_vecs()[i][0]->num_axes() > 0) {
        return net().top_vecs()[i][0]->shape(0);
      }
    }
    return 0;
  }

  std::int64_t parameters() const {
    std::int64_t count = 0;
    for (const Blob<float>* blob : net().learnable_params()) {
      count += blob->count();
    }
    return count;
  }

  // Names of the layers that have parameters: those for which weights can be read.
  json weighted_layers() const {
    json names = json::array();
    for (const auto& layer : net().layers()) {
      if (!layer->blobs().empty()) {
        names.push_back(layer->layer_param().name());
      }
    }
    return names;
  }

  // About what the two files of a snapshot take: weights, and gradients where they are wanted, with 1 KiB a layer for all the rest.
  std::int64_t model_bytes() const {
    std::int64_t values = 0;
    for (const auto& layer : net().layers()) {
      for (const auto& blob : layer->blobs()) {
        values += static_cast<std::int64_t>(blob->count()) * (solver_->param().snapshot_diff() ? 2 : 1);
      }
    }
    return values * static_cast<std::int64_t>(sizeof(float)) + 1024 * static_cast<std::int64_t>(net().layers().size());
  }

  std::int64_t state_bytes() const {
    std::int64_t values = 0;
    for (const auto& blob : sgd_->history()) {
      values += blob->count();
    }
    return values * static_cast<std::int64_t>(sizeof(float));
  }

  std::vector<layers::PassesOf> passes_;  // of the train net, and of each test net; before the solver, which calls it
  std::unique_ptr<Solver<float>> solver_;
  caffe::SGDSolver<float>* sgd_ = nullptr;  // the same object
  int window_start_ = 0;                    // the iteration with which the window of losses began
  std::vector<float> scores_;               // of the test that runs: sums over its batches
  float test_loss_ = 0;
  int tested_batches_ = 0;
  std::string answer_;
};

Training& as_training(void* training) { return *static_cast<Training*>(training); }

// Whether the exception at hand is Boost.Python's, which says no more than that Python has one.
bool is_of_python() { return std::strcmp(abi::__cxa_current_exception_type()->name(), "N5boost6python17error_already_setE") == 0; }

// Runs what an entry point does. An exception may not leave a C function: at Caffe's edge, what Caffe does. What a layer of type Python
// throws goes on as an exception of Python's, which ctypes.PyDLL raises, with nothing for an answer; see barista/train/solver.py.
template <typename Body>
auto guarded(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    LOG(FATAL) << error.what();
  } catch (...) {
    if (!is_of_python()) throw;
  }
  return decltype(body())();
}

template <typename Body>
const char* answered(void* training, Body body) {
  return guarded([&] {
    std::string& answer = as_training(training).answer();
    answer = body(as_training(training)).dump(-1, ' ', false, json::error_handler_t::replace);
    return answer.c_str();
  });
}

}  // namespace
}  // namespace barista::plugin

#define BARISTA_EXPORT extern "C" __attribute__((visibility("default")))

using barista::plugin::answered;
using barista::plugin::as_training;
using barista::plugin::guarded;
using barista::plugin::Training;

// A new training from the text of a SolverParameter, its nets constructed. random_seed should be set: it is what a resumed run
// constructs its nets from again.
BARISTA_EXPORT void* barista_training_create(const char* solver) {
  return guarded([&]() -> void* {
    caffe::SolverParameter param;
    CHECK(google::protobuf::TextFormat::ParseFromString(solver, &param)) << "Failed to parse SolverParameter";
    caffe::Caffe::set_mode(caffe::Caffe::CPU);
    return new Training(param);
  });
}

BARISTA_EXPORT void barista_training_destroy(void* training) { delete static_cast<Training*>(training); }

// {"net", "solver", "iteration", "batch": images a forward pass, "parameters": how many numbers are learnt, "tests": [{"name",
// "batches"}], "layers": [names of those with parameters], "snapshot_bytes": about, "snapshot_problem", "test_problem": why Caffe
// would abort when it writes a snapshot or tests, or "", "repeated_names": [[name, [number of parameters of each layer]], ...]}
BARISTA_EXPORT const char* barista_training_describe(void* training) {
  return answered(training, [](Training& it) { return it.describe(); });
}

// One iteration, update included: {"iteration": its number from 0, "loss", "smoothed_loss", "learning_rate"}, and at those that the
// solver displays "outputs": [{"name", "values", "loss_weight", stock "type" of the layer, "top_k" and "first_top" of Accuracy layers}].
// Where the loss is no longer a number there is no update: {"iteration", "loss": "nan", "inf" or "-inf", "not_finite": see
// plugin/not_finite.hpp}.
BARISTA_EXPORT const char* barista_training_iterate(void* training) {
  return answered(training, [](Training& it) { return it.iterate(); });
}

// A forward pass without an update: {"iteration", "loss", "smoothed_loss", "outputs"}. It takes a batch. Where the loss is no longer
// a number, as in an iteration.
BARISTA_EXPORT const char* barista_training_last_loss(void* training) {
  return answered(training, [](Training& it) { return it.last_loss(); });
}

// A test of test net `index` (from 0) is begin, any number of batches, end; end gives the means over them: {"iteration", "net",
// "outputs": as above, "loss" where the solver wants it}. A test that was begun need not end.
BARISTA_EXPORT void barista_training_test_begin(void* training, int index) {
  guarded([&] { as_training(training).begin_test(index); });
}

BARISTA_EXPORT void barista_training_test_batch(void* training, int index) {
  guarded([&] { as_training(training).test_batch(index); });
}

BARISTA_EXPORT const char* barista_training_test_end(void* training, int index) {
  return answered(training, [&](Training& it) { return it.end_test(index); });
}

// Writes `aside_prefix`_iter_N.caffemodel and .solverstate (.h5 after both in HDF5), as stock Caffe does, the state naming its model
// as `final_prefix`_iter_N. Reads both back: {"model": path, "state": path, "problem": what is wrong with them, or ""}. Where weights
// are not finite, nothing is written: {"not_finite": see plugin/not_finite.hpp}.
BARISTA_EXPORT const char* barista_training_snapshot(void* training, const char* aside_prefix, const char* final_prefix) {
  return answered(training, [&](Training& it) { return it.snapshot(aside_prefix, final_prefix); });
}

// The first parameter that is not finite (see plugin/not_finite.hpp), or null.
BARISTA_EXPORT const char* barista_training_not_finite_parameter(void* training) {
  return answered(training, [](Training& it) { return it.not_finite_parameter(); });
}

// Weights, history and iteration from a stock solver state, on a training that has not run.
BARISTA_EXPORT void barista_training_restore(void* training, const char* state) {
  guarded([&] {
    as_training(training).restore(state);
    as_training(training).start_window();
  });
}

// The two halves of bringing a net (0: train net, then the test nets) to its place in the data; see plugin/data_place.hpp. The
// second returns 0 when there is nothing to replay.
BARISTA_EXPORT void barista_training_skip(void* training, int net, std::uint64_t batches) {
  guarded([&] { barista::plugin::skip_database_batches(as_training(training).any_net(net), batches); });
}

BARISTA_EXPORT int barista_training_replay(void* training, int net, std::uint64_t batches) {
  return guarded([&] { return barista::plugin::replay_batches(as_training(training).any_net(net), batches) ? 1 : 0; });
}

// All else that a snapshot forgets, out and in: {"caffe_random", "c_random", "losses", "smoothed_loss", "window_start",
// "hidden_states"}, floats as their bits.
BARISTA_EXPORT const char* barista_training_memory(void* training) {
  return answered(training, [](Training& it) { return it.memory(); });
}

BARISTA_EXPORT void barista_training_remember(void* training, const char* memory) {
  guarded([&] { as_training(training).remember(nlohmann::json::parse(memory)); });
}

// Gives this process, which must lead a process group of its own, `seconds` to end: then the whole group is killed, whatever it waits
// for. A handler in C, so that it works within C++ and when Python has gone.
BARISTA_EXPORT void barista_training_end_within(unsigned seconds) {
  struct sigaction action = {};
  action.sa_handler = [](int) { kill(0, SIGKILL); };
  sigaction(SIGALRM, &action, nullptr);
  alarm(seconds);
}
