// The mean of the losses of the last average_loss iterations, which Solver::Step keeps: its window begins anew with each Step.
#ifndef BARISTA_TRAINING_SMOOTHED_LOSS_HPP_
#define BARISTA_TRAINING_SMOOTHED_LOSS_HPP_

#include "caffe/solver.hpp"
#include "nlohmann/json.hpp"

namespace barista::training {

class SmoothedLoss {
 public:
  // Of `solver`, which lives longer. Its window begins with the solver's present iteration.
  explicit SmoothedLoss(caffe::Solver<float>& solver);

  // As Solver::Step begins.
  void begin_window();
  // Takes an iteration's loss into the window.
  void add(float loss);
  float value() const;

  // Adds "losses", "smoothed_loss" (floats as their bits) and "window_start" to an object, and takes them from one.
  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  caffe::Solver<float>* solver_;
  int window_start_ = 0;  // the iteration with which the window began
};

}  // namespace barista::training

#endif  // BARISTA_TRAINING_SMOOTHED_LOSS_HPP_
