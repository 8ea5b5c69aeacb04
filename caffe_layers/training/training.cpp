#include "training/training.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "caffe/solver_factory.hpp"
#include "layers/label_check.hpp"
#include "layers/stock_code.hpp"
#include "training/float_bits.hpp"
#include "training/not_finite.hpp"
#include "training/outputs.hpp"
#include "training/random_state.hpp"
#include "training/snapshot.hpp"
#include "training/solver_members.hpp"

namespace barista::training {
namespace {

using caffe::Blob;
using caffe::Net;
using nlohmann::json;

// Images a forward pass: the first extent of what the first layer that makes data makes.
int batch_size(const Net<float>& net) {
  for (std::size_t i = 0; i < net.layers().size(); ++i) {
    if (net.bottom_vecs()[i].empty() && !net.top_vecs()[i].empty() && net.top_vecs()[i][0]->num_axes() > 0) {
      return net.top_vecs()[i][0]->shape(0);
    }
  }
  return 0;
}

std::int64_t learnt_numbers(const Net<float>& net) {
  std::int64_t count = 0;
  for (const Blob<float>* blob : net.learnable_params()) {
    count += blob->count();
  }
  return count;
}

// Names of the layers that have parameters: those for which weights can be read.
json weighted_layers(const Net<float>& net) {
  json names = json::array();
  for (const auto& layer : net.layers()) {
    if (!layer->blobs().empty()) {
      names.push_back(layer->layer_param().name());
    }
  }
  return names;
}

// Layers of device types whose shape the device can't take: [[name, type, reason], ...].
json stock_code() {
  json found = json::array();
  for (const layers::StockCodeLayer& layer : layers::stock_code_layers()) {
    found.push_back(json::array({layer.layer, layer.type, layer.reason}));
  }
  return found;
}

// On what test.ShareTrainedLayersWith(net), with which every test begins, would abort, or "".
std::string test_problem(const Net<float>& net, const Net<float>& test) {
  for (const auto& layer : net.layers()) {
    const std::string& name = layer->layer_param().name();
    const auto& names = test.layer_names();
    const auto first = std::find(names.begin(), names.end(), name);
    if (first == names.end()) {
      continue;
    }
    const auto& blobs = test.layers()[first - names.begin()]->blobs();
    if (blobs.size() != layer->blobs().size()) {
      return "layer '" + name + "' has " + std::to_string(layer->blobs().size()) +
             " parameters in the train net, and the first of that name in the test net has " + std::to_string(blobs.size());
    }
    for (std::size_t i = 0; i < blobs.size(); ++i) {
      if (blobs[i]->shape() != layer->blobs()[i]->shape()) {
        return "layer '" + name + "': parameter " + std::to_string(i) + " is " + layer->blobs()[i]->shape_string() +
               " in the train net and " + blobs[i]->shape_string() + " in the test net";
      }
    }
  }
  return "";
}

}  // namespace

Training::Training(const caffe::SolverParameter& param) {
  reset_c_random();
  solver_.reset(caffe::SolverRegistry<float>::CreateSolver(param));
  sgd_ = dynamic_cast<caffe::SGDSolver<float>*>(solver_.get());
  CHECK(sgd_) << "Solver type " << param.type() << " is not one of Caffe's: its learning rate and history can't be reached";
  for (int index = 0; index <= static_cast<int>(solver_->test_nets().size()); ++index) {
    passes_.emplace_back(any_net(index));
  }
  smoothed_loss_.emplace(*solver_);
}

json Training::describe() const {
  json tests = json::array();
  std::string problem;
  for (std::size_t i = 0; i < solver_->test_nets().size(); ++i) {
    const Net<float>& test = *solver_->test_nets()[i];
    tests.push_back({{"name", test.name()}, {"batches", solver_->param().test_iter(static_cast<int>(i))}});
    problem = problem.empty() ? test_problem(net(), test) : problem;
  }
  return {{"net", net().name()},
          {"solver", solver_->type()},
          {"iteration", solver_->iter()},
          {"batch", batch_size(net())},
          {"parameters", learnt_numbers(net())},
          {"tests", tests},
          {"layers", weighted_layers(net())},
          {"snapshot_bytes", snapshot_bytes(*sgd_)},
          {"snapshot_problem", snapshot_problem(*sgd_)},
          {"stock_code", stock_code()},
          {"test_problem", problem},
          {"repeated_names", repeated_names(net())}};
}

json Training::iterate() {
  const auto& param = solver_->param();
  const int iteration = solver_->iter();
  const bool display = param.display() != 0 && iteration % param.display() == 0;
  net().ClearParamDiffs();
  net().set_debug_info(display && param.debug_info());
  float loss = 0;
  for (int i = 0; i < param.iter_size(); ++i) {
    loss += net().ForwardBackward();
    if (!std::isfinite(loss)) {
      return not_finite_loss(loss);
    }
  }
  loss /= param.iter_size();
  smoothed_loss_->add(loss);
  json result = {
      {"iteration", iteration}, {"loss", loss}, {"smoothed_loss", smoothed_loss_->value()}, {"learning_rate", learning_rate()}};
  if (display) {
    result["outputs"] = outputs_of(net());
  }
  solver_->ApplyUpdate();
  return result;
}

json Training::last_loss() {
  float loss = 0;
  net().Forward(&loss);
  if (!std::isfinite(loss)) {
    return not_finite_loss(loss);
  }
  smoothed_loss_->add(loss);
  return {
      {"iteration", solver_->iter()}, {"loss", loss}, {"smoothed_loss", smoothed_loss_->value()}, {"outputs", outputs_of(net())}};
}

void Training::begin_test(int index) { test_.begin(test_net(index), net()); }

void Training::test_batch(int index) { test_.batch(test_net(index)); }

json Training::end_test(int index) const {
  json result = test_.end(test_net(index), solver_->param().test_compute_loss());
  result["iteration"] = solver_->iter();
  result["net"] = index;
  return result;
}

json Training::snapshot(const std::string& aside_prefix, const std::string& final_prefix) {
  return write_snapshot(*sgd_, aside_prefix, final_prefix);
}

void Training::restore(const std::string& state) {
  restore_snapshot(*sgd_, state);
  smoothed_loss_->begin_window();
}

json Training::not_finite_parameter() const { return first_not_finite_parameter(net()); }

json Training::resume_state() const {
  json hidden = json::array();
  for (const Blob<float>* blob : hidden_states()) {
    hidden.push_back(bits_of(blob->cpu_data(), blob->count()));
  }
  json state = {{"caffe_random", caffe_random_state()}, {"c_random", c_random_state()}, {"hidden_states", hidden}};
  smoothed_loss_->save(state);
  return state;
}

void Training::resume(const json& state) {
  const json& hidden = state.at("hidden_states");
  std::size_t next = 0;
  for (Blob<float>* blob : hidden_states()) {
    // Another net than the one that was saved: Caffe has said what of it did not fit.
    if (next < hidden.size() && hidden[next].size() == static_cast<std::size_t>(blob->count())) {
      for (int i = 0; i < blob->count(); ++i) {
        blob->mutable_cpu_data()[i] = value_of(hidden[next][i]);
      }
    }
    ++next;
  }
  smoothed_loss_->restore(state);
  restore_c_random_state(state.at("c_random"));
  restore_caffe_random_state(state.at("caffe_random"));
}

// Of the recurrent layers of all nets, what each carries from batch to batch.
std::vector<Blob<float>*> Training::hidden_states() const {
  std::vector<Blob<float>*> blobs;
  for (int index = 0; index <= static_cast<int>(solver_->test_nets().size()); ++index) {
    for (const auto& layer : any_net(index).layers()) {
      if (auto* recurrent = dynamic_cast<caffe::RecurrentLayer<float>*>(layer.get())) {
        const auto& own = recurrent->*RecurrentMembers::hidden_state();
        blobs.insert(blobs.end(), own.begin(), own.end());
      }
    }
  }
  return blobs;
}

// What a pass of the train net returns where its loss is no longer a number; a label that is out of range ends the process instead.
json Training::not_finite_loss(float loss) const {
  layers::check_labels(net());
  return {{"iteration", solver_->iter()}, {"loss", name_of_not_finite(loss)}, {"not_finite", first_not_finite(net())}};
}

// The rate of the update to come. Asking for it moves the step of the policy "multistep" on, which only the update may do.
float Training::learning_rate() {
  int& current_step = (*solver_).*SolverMembers::current_step();
  const int step = current_step;
  const float rate = (sgd_->*SgdMembers::learning_rate())();
  current_step = step;
  return rate;
}

}  // namespace barista::training
