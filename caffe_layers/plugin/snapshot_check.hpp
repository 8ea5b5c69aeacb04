// Reads a snapshot back and compares every value with what is in memory: a short write, or one that a full disk swallowed when the
// file was closed, passes unseen in Caffe.
#ifndef BARISTA_PLUGIN_SNAPSHOT_CHECK_HPP_
#define BARISTA_PLUGIN_SNAPSHOT_CHECK_HPP_

#include <string>

#include "caffe/sgd_solvers.hpp"

namespace barista::plugin {

// What is wrong with the files that a snapshot of `solver` has just written, or "" when they hold what the solver holds. Files whose
// name ends in .h5 are HDF5, all others binary protocol buffers.
std::string check_model(const caffe::Net<float>& net, const std::string& path);
std::string check_state(caffe::SGDSolver<float>& solver, const std::string& path);

}  // namespace barista::plugin

#endif  // BARISTA_PLUGIN_SNAPSHOT_CHECK_HPP_
