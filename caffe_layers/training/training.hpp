// One training: a stock solver, with Solver::Step and Solver::Solve taken apart, so that the caller sees every iteration and every batch
// of a test and may stop between any two.
//
// The calls into Caffe and their order are those of Caffe 1.0's solver.cpp; a test holds the weights against those of the stock tool,
// bit for bit. It also hands out and takes back what a snapshot of Caffe forgets: the random state, the window of losses behind the
// smoothed loss, and the hidden state that recurrent layers carry from batch to batch (data_place.hpp has the place in the data).
//
// All calls must come from one thread: Caffe's generator is a thread's own. Errors end the process, as Caffe's CHECKs do.
#ifndef BARISTA_TRAINING_TRAINING_HPP_
#define BARISTA_TRAINING_TRAINING_HPP_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "caffe/sgd_solvers.hpp"
#include "layers/at_work.hpp"
#include "nlohmann/json.hpp"
#include "training/net_test.hpp"
#include "training/smoothed_loss.hpp"

namespace barista::training {

// What the results hold, capi/barista.h says.
class Training {
 public:
  explicit Training(const caffe::SolverParameter& param);

  nlohmann::json describe() const;

  // Solver::Step, one iteration of it without the test and the snapshot. Where the loss is no longer a number there is no update, so
  // that the weights are those with which the pass was made, and the result says which blob was first not finite.
  nlohmann::json iterate();

  // The forward pass with which Solver::Solve ends, for a last loss.
  nlohmann::json last_loss();

  void begin_test(int index);
  void test_batch(int index);
  nlohmann::json end_test(int index) const;

  nlohmann::json snapshot(const std::string& aside_prefix, const std::string& final_prefix);
  void restore(const std::string& state);

  nlohmann::json not_finite_parameter() const;

  // Net 0 is the train net, then come the test nets.
  caffe::Net<float>& any_net(int index) const { return index == 0 ? net() : test_net(index - 1); }

  // What a snapshot of Caffe forgets, except for the place in the data, which the caller counts.
  nlohmann::json resume_state() const;
  void resume(const nlohmann::json& state);

 private:
  caffe::Net<float>& net() const { return *solver_->net(); }
  caffe::Net<float>& test_net(int index) const { return *solver_->test_nets().at(index); }
  std::vector<caffe::Blob<float>*> hidden_states() const;
  nlohmann::json not_finite_loss(float loss) const;
  float learning_rate();

  std::vector<layers::PassesOf> passes_;  // of the train net, and of each test net; before the solver, which calls it
  std::unique_ptr<caffe::Solver<float>> solver_;
  caffe::SGDSolver<float>* sgd_ = nullptr;  // the same object
  std::optional<SmoothedLoss> smoothed_loss_;
  NetTest test_;
};

}  // namespace barista::training

#endif  // BARISTA_TRAINING_TRAINING_HPP_
