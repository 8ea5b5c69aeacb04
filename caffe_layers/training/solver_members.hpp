// Protected members of stock Caffe classes, as pointers to members: a derived class may name them, and the pointer that results
// applies to any object of the base. Nothing here is ever constructed.
#ifndef BARISTA_TRAINING_SOLVER_MEMBERS_HPP_
#define BARISTA_TRAINING_SOLVER_MEMBERS_HPP_

#include "caffe/data_transformer.hpp"
#include "caffe/layers/data_layer.hpp"
#include "caffe/layers/recurrent_layer.hpp"
#include "caffe/sgd_solvers.hpp"
#include "caffe/solver.hpp"

namespace barista::training {

struct SolverMembers : caffe::Solver<float> {
  static auto param() { return &SolverMembers::param_; }
  static auto iteration() { return &SolverMembers::iter_; }
  static auto losses() { return &SolverMembers::losses_; }
  static auto smoothed_loss() { return &SolverMembers::smoothed_loss_; }
  static auto current_step() { return &SolverMembers::current_step_; }
  static auto update_smoothed_loss() { return &SolverMembers::UpdateSmoothedLoss; }
  static auto snapshot_filename() { return &SolverMembers::SnapshotFilename; }
  static auto snapshot_to_binary_proto() { return &SolverMembers::SnapshotToBinaryProto; }
  static auto snapshot_to_hdf5() { return &SolverMembers::SnapshotToHDF5; }
  static auto snapshot_solver_state() { return &SolverMembers::SnapshotSolverState; }
};

struct SgdMembers : caffe::SGDSolver<float> {
  static auto learning_rate() { return &SgdMembers::GetLearningRate; }
};

struct DataMembers : caffe::DataLayer<float> {
  static auto transformer() { return &DataMembers::data_transformer_; }
  static auto free_batches() { return &DataMembers::prefetch_free_; }
  static auto full_batches() { return &DataMembers::prefetch_full_; }
  static auto database() { return &DataMembers::db_; }
  static auto next() { return &DataMembers::Next; }
};

struct TransformerMembers : caffe::DataTransformer<float> {
  static auto generator() { return &TransformerMembers::rng_; }
};

struct RecurrentMembers : caffe::RecurrentLayer<float> {
  static auto hidden_state() { return &RecurrentMembers::recur_output_blobs_; }
};

}  // namespace barista::training

#endif  // BARISTA_TRAINING_SOLVER_MEMBERS_HPP_
