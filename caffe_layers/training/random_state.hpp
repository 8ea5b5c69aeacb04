// The random state of a training, out and in as text: Caffe's generator of the calling thread, and the C library's rand().
#ifndef BARISTA_TRAINING_RANDOM_STATE_HPP_
#define BARISTA_TRAINING_RANDOM_STATE_HPP_

#include <string>

namespace barista::training {

// Caffe's generator (caffe_rng) of the calling thread, from which dropout, fillers and the seeds of data layers are drawn: the
// numbers with which boost's mt19937 streams itself.
std::string caffe_random_state();
void restore_caffe_random_state(const std::string& text);

// rand(), with which HDF5Data shuffles. reset_c_random() gives it a buffer of ours, seeded as in a process that never called
// srand(), which is how Caffe uses it; the two others need that. The state is the buffer in hexadecimal digits.
void reset_c_random();
std::string c_random_state();
void restore_c_random_state(const std::string& hex);

}  // namespace barista::training

#endif  // BARISTA_TRAINING_RANDOM_STATE_HPP_
