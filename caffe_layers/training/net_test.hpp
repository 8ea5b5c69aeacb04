// Solver::Test of one net, in three parts, so that a caller may stop between two batches.
#ifndef BARISTA_TRAINING_NET_TEST_HPP_
#define BARISTA_TRAINING_NET_TEST_HPP_

#include <vector>

#include "caffe/net.hpp"
#include "nlohmann/json.hpp"

namespace barista::training {

class NetTest {
 public:
  // Begins a test of `tested` with the weights of `trained`; what an earlier test had gathered is dropped.
  void begin(caffe::Net<float>& tested, const caffe::Net<float>& trained);

  // Forward of one batch. Where an output is not finite, labels are looked at first: a wrong one ends the process (see label_check.hpp).
  void batch(caffe::Net<float>& tested);

  // The means over the batches since begin(): {"outputs": as describe_output() has them, with "values", "loss" where `with_loss`}. Of
  // no batches there are no outputs, as in stock Caffe.
  nlohmann::json end(const caffe::Net<float>& tested, bool with_loss) const;

 private:
  std::vector<float> scores_;  // sums over the batches, of all outputs' values
  float loss_ = 0;
  int batches_ = 0;
};

}  // namespace barista::training

#endif  // BARISTA_TRAINING_NET_TEST_HPP_
