// Snapshots of stock Caffe: written aside and read back, restored, and what would keep Caffe from either.
#ifndef BARISTA_TRAINING_SNAPSHOT_HPP_
#define BARISTA_TRAINING_SNAPSHOT_HPP_

#include <cstdint>
#include <string>

#include "caffe/sgd_solvers.hpp"
#include "nlohmann/json.hpp"

namespace barista::training {

// Writes a stock snapshot under `aside_prefix` whose solver state names the model as it will be called under `final_prefix`, and reads
// it back: {"model": path, "state": path, "problem": what is wrong with the files, or ""}. Of weights that are not finite none is
// written: {"not_finite": see not_finite.hpp}.
nlohmann::json write_snapshot(caffe::SGDSolver<float>& solver, const std::string& aside_prefix, const std::string& final_prefix);

// Weights, history and iteration from the solver state at `path`, which is HDF5 where its name ends in .h5.
void restore_snapshot(caffe::SGDSolver<float>& solver, const std::string& path);

// Why Caffe can't write snapshots of this net, or "".
std::string snapshot_problem(caffe::SGDSolver<float>& solver);

// About what the two files of a snapshot take.
std::int64_t snapshot_bytes(caffe::SGDSolver<float>& solver);

// Names that several layers have, of which at least one has parameters: [[name, [number of parameters of each]], ...].
nlohmann::json repeated_names(const caffe::Net<float>& net);

}  // namespace barista::training

#endif  // BARISTA_TRAINING_SNAPSHOT_HPP_
