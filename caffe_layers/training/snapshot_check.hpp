// What can be told of snapshots and weights on disk.
//
// A snapshot is read back and every value compared with what is in memory: a short write, or one that a full disk swallowed when the file
// was closed, passes unseen in Caffe.
#ifndef BARISTA_TRAINING_SNAPSHOT_CHECK_HPP_
#define BARISTA_TRAINING_SNAPSHOT_CHECK_HPP_

#include <string>
#include <vector>

#include "caffe/sgd_solvers.hpp"

namespace barista::training {

// What is wrong with the files that a snapshot of `solver` has just written, or "" when they hold what the solver holds. Files whose
// name ends in .h5 are HDF5, all others binary protocol buffers.
std::string check_model(const caffe::Net<float>& net, const std::string& path);
std::string check_state(caffe::SGDSolver<float>& solver, const std::string& path);

// Why Caffe, which makes an HDF5 group for each layer, can't write `net` as HDF5, or "": names that repeat, or with a slash.
std::string hdf5_problem(const caffe::Net<float>& net);

// Adds to `names` those of the layers that the HDF5 file at `path` has parameters of. What is wrong with the file, or "".
std::string hdf5_layers(const std::string& path, std::vector<std::string>& names);

}  // namespace barista::training

#endif  // BARISTA_TRAINING_SNAPSHOT_CHECK_HPP_
