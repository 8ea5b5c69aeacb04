#include "training/smoothed_loss.hpp"

#include <cstdint>

#include "training/float_bits.hpp"
#include "training/solver_members.hpp"

namespace barista::training {

SmoothedLoss::SmoothedLoss(caffe::Solver<float>& solver) : solver_(&solver) { begin_window(); }

void SmoothedLoss::begin_window() {
  (solver_->*SolverMembers::losses()).clear();
  solver_->*SolverMembers::smoothed_loss() = 0;
  window_start_ = solver_->iter();
}

void SmoothedLoss::add(float loss) {
  (solver_->*SolverMembers::update_smoothed_loss())(loss, window_start_, solver_->param().average_loss());
}

float SmoothedLoss::value() const { return solver_->*SolverMembers::smoothed_loss(); }

void SmoothedLoss::save(nlohmann::json& state) const {
  const auto& losses = solver_->*SolverMembers::losses();
  state["losses"] = bits_of(losses.data(), losses.size());
  state["smoothed_loss"] = bits_of(value());
  state["window_start"] = window_start_;
}

void SmoothedLoss::restore(const nlohmann::json& state) {
  auto& losses = solver_->*SolverMembers::losses();
  losses.clear();
  for (const std::uint32_t bits : state.at("losses")) {
    losses.push_back(value_of(bits));
  }
  solver_->*SolverMembers::smoothed_loss() = value_of(state.at("smoothed_loss"));
  window_start_ = state.at("window_start");
}

}  // namespace barista::training
