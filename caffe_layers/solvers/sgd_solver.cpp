// SGDSolver<float>::ApplyUpdate, in place of libcaffe's: parameters that live on the device are moved there.
//
// All six solvers of Caffe derive from SGDSolver and share this member, however they were made: by name, by the caffe tool, in Python.
// Learning rate, iteration, histories and snapshots stay the stock solver's. A parameter is moved by the program by which its layer runs.
// One of which neither the values nor the gradient lie on a device, such as an LSTM's, or whose layer runs by none, is moved by stock code,
// and so are all parameters of a solver that is not one of the six.
#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>
#include <string>
#include <typeinfo>
#include <unordered_map>
#include <vector>

#include "caffe/sgd_solvers.hpp"
#include "layers/programs.hpp"
#include "memory/device_memory.hpp"
#include "ops/solver_update.hpp"

namespace {

using barista::device::Program;
using barista::memory::Access;
using barista::memory::Use;
using caffe::Blob;
namespace memory = barista::memory;
namespace ops = barista::ops;

std::optional<int> method_of(const caffe::SGDSolver<float>& solver) {
  const std::type_info& type = typeid(solver);
  if (type == typeid(caffe::SGDSolver<float>)) return SOLVER_SGD;
  if (type == typeid(caffe::NesterovSolver<float>)) return SOLVER_NESTEROV;
  if (type == typeid(caffe::AdaGradSolver<float>)) return SOLVER_ADAGRAD;
  if (type == typeid(caffe::RMSPropSolver<float>)) return SOLVER_RMSPROP;
  if (type == typeid(caffe::AdaDeltaSolver<float>)) return SOLVER_ADADELTA;
  if (type == typeid(caffe::AdamSolver<float>)) return SOLVER_ADAM;
  return std::nullopt;
}

// What all parameters share in this iteration; decay and rate are still to be multiplied with each one's own factors.
solver_rule rule_of(int method, const caffe::SolverParameter& param, float rate, int iteration) {
  solver_rule rule = {};
  rule.method = method;
  rule.scale = 1.0F / static_cast<float>(param.iter_size());
  rule.largest_norm = param.clip_gradients() < 0 ? -1 : param.clip_gradients();
  rule.decay = param.weight_decay();
  rule.absolute = param.regularization_type() == "L1" ? 1 : 0;
  rule.rate = rate;
  rule.keep = method == SOLVER_RMSPROP ? param.rms_decay() : param.momentum();
  rule.keep_squares = param.momentum2();
  rule.delta = param.delta();
  if (method == SOLVER_ADAM) {
    // Both averages start at 0, which this makes up for.
    const int steps = iteration + 1;
    rule.rate *= static_cast<float>(std::sqrt(1 - std::pow(rule.keep_squares, steps)) / (1 - std::pow(rule.keep, steps)));
  }
  return rule;
}

bool is_on_device(const Blob<float>& blob) { return memory::data_is_on_device(blob) || memory::diff_is_on_device(blob); }

// The program by which each learnable parameter is moved on the device, or null for stock code.
std::vector<Program*> programs_of(const caffe::Net<float>& net) {
  std::unordered_map<const Blob<float>*, Program*> by_parameter;
  for (const auto& layer : net.layers()) {
    const auto* on_device = dynamic_cast<const barista::layers::RunsByProgram*>(layer.get());
    Program* program = on_device != nullptr ? on_device->program_or_null() : nullptr;
    for (const auto& blob : layer->blobs()) by_parameter.emplace(blob.get(), program);
  }
  std::vector<Program*> programs;
  for (const Blob<float>* param : net.learnable_params()) {
    const auto found = by_parameter.find(param);
    programs.push_back(found != by_parameter.end() && is_on_device(*param) ? found->second : nullptr);
  }
  return programs;
}

// Of gradients on several devices the sum goes from one to the next, each adding its own.
void add_squared_norms(const std::vector<Program*>& programs, const std::vector<Blob<float>*>& params, const Blob<float>& norm) {
  for (std::size_t i = 0; i < params.size(); i++) {
    barista::device::Device& device = programs[i]->device();
    Access diff = memory::diff(*params[i], Use::kRead, device), sum = memory::data(norm, Use::kReadWrite, device);
    ops::add_squared_norm(*programs[i], diff.buffer(), sum.buffer(), i == 0, params[i]->count());
  }
}

void update_on_device(Program& program, const solver_rule& rule, const Blob<float>& param, const Blob<float>& first_history,
                      const Blob<float>* second_history, const Blob<float>* norm) {
  barista::device::Device& device = program.device();
  Access weights = memory::data(param, Use::kReadWrite, device), diff_weights = memory::diff(param, Use::kReadWrite, device);
  Access first = memory::data(first_history, Use::kReadWrite, device);
  std::optional<Access> second, clip;
  if (second_history != nullptr) second.emplace(memory::data(*second_history, Use::kReadWrite, device));
  if (norm != nullptr) clip.emplace(memory::data(*norm, Use::kRead, device));
  ops::solver_update(program, rule, weights.buffer(), diff_weights.buffer(), first.buffer(), second ? &second->buffer() : nullptr,
                     clip ? &clip->buffer() : nullptr, param.count());
}

}  // namespace

namespace caffe {

template <>
void SGDSolver<float>::ApplyUpdate() {
  const float rate = GetLearningRate();
  if (param_.display() != 0 && iter_ % param_.display() == 0) {
    LOG_IF(INFO, Caffe::root_solver()) << "Iteration " << iter_ << ", lr = " << rate;
  }
  const std::vector<Blob<float>*>& params = net_->learnable_params();
  const std::optional<int> method = method_of(*this);
  const bool known = method.has_value() && (param_.regularization_type() == "L1" || param_.regularization_type() == "L2");
  std::vector<Program*> programs = known ? programs_of(*net_) : std::vector<Program*>(params.size());
  const bool all = std::count(programs.begin(), programs.end(), nullptr) == 0;
  const bool clips = param_.clip_gradients() >= 0;
  if (clips && !all) {  // the norm is that of all gradients together: stock code adds it up, on the host
    ClipGradients();
    programs.assign(params.size(), nullptr);
  }
  try {
    const solver_rule common = known ? rule_of(*method, param_, rate, iter_) : solver_rule();
    const Blob<float>* norm = clips && all && !params.empty() ? temp_[0].get() : nullptr;
    if (norm != nullptr) add_squared_norms(programs, params, *norm);
    for (std::size_t i = 0; i < params.size(); i++) {
      const int id = static_cast<int>(i);
      if (programs[i] == nullptr) {
        Normalize(id);
        Regularize(id);
        ComputeUpdateValue(id, rate);
        params[i]->Update();
        continue;
      }
      solver_rule rule = common;
      rule.decay *= net_->params_weight_decay()[i];
      rule.rate *= net_->params_lr()[i];
      update_on_device(*programs[i], rule, *params[i], *history_[i],
                       ops::has_second_history(rule) ? history_[i + params.size()].get() : nullptr, norm);
    }
  } catch (const std::exception& error) {
    LOG(FATAL) << error.what();
  }
  ++iter_;
}

}  // namespace caffe
