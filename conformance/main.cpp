// main() of a conformance program: one of Caffe's suites with our layers in the registry, and a report of what each test ran.
//
//   conformance_SUITE --list            prints the tests, a line each; those of doubles are left out
//   conformance_SUITE REPORT TEST...    runs these, and writes a line of JSON to REPORT when a test starts and when it has ended
//
// Tests of doubles are left out: the device computes in single precision, so they would judge stock code.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "counted_layers.hpp"
#include "gtest/gtest.h"
#include "memory/device_memory.hpp"

namespace barista::conformance {
namespace {

using nlohmann::json;

// Nets find their layers here by the stock name. What libcaffe registered is replaced for good: the process runs nothing but tests.
void replace_registered_layers() {
  auto& registry = caffe::LayerRegistry<float>::Registry();
#define LAYER(Name)                                                                               \
  registry[#Name] = [](const caffe::LayerParameter& param) {                                      \
    return boost::shared_ptr<caffe::Layer<float>>(new caffe::Counted##Name##Layer<float>(param)); \
  };
#include "layers.inc"
#undef LAYER
}

// A stock layer must be seen running, or "stock code did not run" would mean nothing. Made by libcaffe's own creator, before it is
// replaced.
void prove_that_stock_calls_are_counted() {
  caffe::LayerParameter param;
  param.set_type("ReLU");
  const auto layer = caffe::LayerRegistry<float>::CreateLayer(param);
  caffe::Blob<float> bottom(1, 1, 1, 1), top;
  const std::vector<caffe::Blob<float>*> bottoms = {&bottom}, tops = {&top};
  layer->SetUp(bottoms, tops);
  layer->Forward(bottoms, tops);
  CHECK_EQ(counts[kReLU].stock, 1) << "a stock layer ran unseen: this libcaffe does not reach its layers through its symbol table";
}

std::string name_of(const ::testing::TestInfo& test) { return std::string(test.test_case_name()) + "." + test.name(); }

bool is_of_doubles(const ::testing::TestCase& tests) {
  return tests.type_param() != nullptr && std::string(tests.type_param()).find("double") != std::string::npos;
}

int list_tests() {
  const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_case_count(); i++) {
    const ::testing::TestCase& tests = *all.GetTestCase(i);
    if (is_of_doubles(tests)) continue;
    for (int j = 0; j < tests.total_test_count(); j++) std::cout << name_of(*tests.GetTestInfo(j)) << '\n';
  }
  return 0;
}

// [made, forward, forward on the device, backward, backward on the device, stock] by layer, for layers that a test touched.
json touched_layers() {
  json touched = json::object();
  for (int layer = 0; layer < kLayers; layer++) {
    const Counts& c = counts[layer];
    const json row = {c.made, c.forward, c.forward_on_device, c.backward, c.backward_on_device, c.stock};
    if (c.made + c.stock > 0) touched[layer_name(layer)] = row;
  }
  return touched;
}

class Report : public ::testing::EmptyTestEventListener {
 public:
  explicit Report(const char* path) : out_(path, std::ios::app) { CHECK(out_) << path << ": can't be written"; }

  void OnTestStart(const ::testing::TestInfo& test) override {
    counts = {};
    failures_.clear();
    write({{"test", name_of(test)}, {"event", "start"}});
  }

  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (result.failed() && failures_.size() < kFailuresKept) failures_.emplace_back(result.message());
  }

  void OnTestEnd(const ::testing::TestInfo& test) override {
    write({{"test", name_of(test)},
           {"event", "end"},
           {"passed", test.result()->Passed()},
           {"ms", test.result()->elapsed_time()},
           {"layers", touched_layers()},
           {"failures", failures_}});
  }

 private:
  static constexpr std::size_t kFailuresKept = 5;  // a gradient check can fail a thousand times over

  // Flushed: the next test may end the process.
  void write(const json& line) { out_ << line.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl; }

  std::ofstream out_;
  std::vector<std::string> failures_;
};

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ":") + name;
  return all;
}

int run_tests(const char* report, const std::vector<std::string>& tests) {
  CHECK(memory::hook_is_live()) << "this libcaffe does not reach SyncedMemory through its symbol table";
  prove_that_stock_calls_are_counted();
  replace_registered_layers();
  ::testing::GTEST_FLAG(filter) = joined(tests);
  ::testing::UnitTest::GetInstance()->listeners().Append(new Report(report));
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace barista::conformance

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  google::InitGoogleLogging(argv[0]);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments == std::vector<std::string>{"--list"}) return barista::conformance::list_tests();
  if (arguments.size() < 2) {
    std::cerr << "usage: " << argv[0] << " --list | REPORT TEST...\n";
    return 2;
  }
  return barista::conformance::run_tests(argv[1], {arguments.begin() + 1, arguments.end()});
}
