// Which program a layer runs by: the default one, or the one that its param_str names, in one net and with one solver.
#include "layers/programs.hpp"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "caffe/sgd_solvers.hpp"
#include "support/layer_rig.hpp"
#include "support/refusal.hpp"
#include "support/second_bitstream.hpp"
#include "support/test_program.hpp"

namespace barista::testing {
namespace {

using layers::Programs;

class ProgramsTest : public LayersTest {};

TEST_F(ProgramsTest, TheDefaultIsTheOneThatTheEnvironmentNames) {
  const device::Bitstream named = bitstream_under_test();
  device::Program& standard = Programs::of_process().standard();
  EXPECT_EQ(standard.bitstream().path, named.path);
  EXPECT_EQ(standard.device().name(), named.device);
  EXPECT_EQ(standard.recipe().name, named.recipe.name);
  EXPECT_EQ(&standard, &Programs::of_process().standard());
}

TEST_F(ProgramsTest, OthersAreOpenedByPathOnceAndFoundByName) {
  Programs& programs = Programs::of_process();
  device::Program& second = programs.named(second_bitstream());
  EXPECT_NE(&second, &programs.standard());
  EXPECT_EQ(&second.device(), &programs.standard().device()) << "built for one device, they share it";
  EXPECT_EQ(&second, &programs.named(second_bitstream()));
  EXPECT_EQ(&second, &programs.named(second.recipe().name));
  EXPECT_EQ(&programs.standard(), &programs.named(programs.standard().recipe().name));
  EXPECT_EQ(&programs.on(second.device()).device(), &second.device());
  expect_refusal([&] { programs.named("nowhere"); }, {"'nowhere'", second.recipe().name, "barista build"});
}

// A net for ten classes; `kind` is "FPGA" or "", and `setting` stands in every second layer.
std::string net_text(const std::string& kind, const std::string& setting) {
  const std::string filler = "weight_filler { type: 'xavier' } bias_filler { type: 'constant' value: 0.25 }";
  return "name: 'two' force_backward: true "
         "layer { name: 'data' type: 'Input' top: 'data' top: 'label' input_param {"
         " shape { dim: 6 dim: 3 dim: 12 dim: 12 } shape { dim: 6 } } } "
         "layer { name: 'conv1' type: '" +
         kind +
         "Convolution' bottom: 'data' top: 'conv1'"
         " convolution_param { num_output: 8 kernel_size: 3 " +
         filler +
         " } } "
         "layer { name: 'relu1' type: '" +
         kind + "ReLU' bottom: 'conv1' top: 'conv1' " + setting +
         " } "
         "layer { name: 'conv2' type: '" +
         kind + "Convolution' bottom: 'conv1' top: 'conv2' " + setting +
         " convolution_param { num_output: 8 kernel_size: 3 pad: 1 " + filler +
         " } } "
         "layer { name: 'sum' type: '" +
         kind +
         "Eltwise' bottom: 'conv1' bottom: 'conv2' top: 'sum' } "
         "layer { name: 'pool' type: '" +
         kind + "Pooling' bottom: 'sum' top: 'pool' " + setting +
         " pooling_param { kernel_size: 2 stride: 2 } } "
         "layer { name: 'ip' type: '" +
         kind + "InnerProduct' bottom: 'pool' top: 'ip' " + setting + " inner_product_param { num_output: 10 " + filler +
         " } } "
         "layer { name: 'loss' type: '" +
         kind + "SoftmaxWithLoss' bottom: 'ip' bottom: 'label' top: 'loss' } ";
}

std::unique_ptr<caffe::Solver<float>> solver_of(const std::string& net, float clip_gradients) {
  caffe::Caffe::set_random_seed(1701);
  caffe::SolverParameter param;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(net, param.mutable_net_param()));
  param.set_base_lr(0.05F);
  param.set_momentum(0.9F);
  param.set_weight_decay(0.001F);
  param.set_lr_policy("fixed");
  param.set_max_iter(100);
  param.set_clip_gradients(clip_gradients);
  param.set_snapshot_after_train(false);
  return std::make_unique<caffe::SGDSolver<float>>(param);
}

void expect_near(const std::vector<float>& found, const std::vector<float>& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  double largest = 0;
  for (const float value : expected) largest = std::max(largest, std::abs(static_cast<double>(value)));
  for (std::size_t i = 0; i < found.size(); i++) ASSERT_NEAR(found[i], expected[i], 2e-5 * largest) << what << "[" << i << "]";
}

// Trained by two bitstreams in turns, a net moves as stock Caffe's does; the norm for clipping is one sum that both add to.
TEST_F(ProgramsTest, ANetOfTwoBitstreamsTrainsAsStockCaffeDoes) {
  const std::string setting = "python_param { param_str: '{\"bitstream\": \"" + second_bitstream() + "\"}' }";
  for (const float clip : {-1.0F, 0.5F}) {
    const auto stock = solver_of(net_text("", ""), clip), ours = solver_of(net_text("FPGA", setting), clip);
    device::Program& second = Programs::of_process().named(second_bitstream());
    const auto program_of = [&](const std::string& layer) {
      return dynamic_cast<const layers::RunsByProgram&>(*ours->net()->layer_by_name(layer)).program_or_null();
    };
    EXPECT_EQ(program_of("conv1"), &program());
    EXPECT_EQ(program_of("conv2"), &second);
    EXPECT_EQ(program_of("ip"), &second);
    const auto& stock_params = stock->net()->learnable_params();
    const auto& our_params = ours->net()->learnable_params();
    for (std::size_t i = 0; i < stock_params.size(); i++) our_params[i]->CopyFrom(*stock_params[i]);
    for (int step = 0; step < 3; step++) {
      for (caffe::Solver<float>* solver : {stock.get(), ours.get()}) {
        Blob<float>& label = *solver->net()->blob_by_name("label");
        fill(*solver->net()->blob_by_name("data"), false, static_cast<std::uint32_t>(step));
        for (int i = 0; i < label.count(); i++) label.mutable_cpu_data()[i] = static_cast<float>(i);
        solver->Step(1);
      }
      expect_near(contents(*ours->net()->blob_by_name("loss"), false), contents(*stock->net()->blob_by_name("loss"), false),
                  "loss");
      for (std::size_t i = 0; i < stock_params.size(); i++)
        expect_near(contents(*our_params[i], false), contents(*stock_params[i], false), "parameter " + std::to_string(i));
    }
  }
}

using ProgramsDeathTest = ProgramsTest;

TEST_F(ProgramsDeathTest, ASettingThatCannotBeEndsTheProcessWithASentence) {
  const auto layer_with = [](const std::string& setting) {
    LayerParameter param;
    param.mutable_python_param()->set_param_str(setting);
    Rig rig(param, "FPGAReLU", {{2, 3}}, 1);
  };
  EXPECT_DEATH(layer_with(R"({"bitstream": "nowhere"})"), "layer FPGAReLU.*'nowhere'.*barista build");
  EXPECT_DEATH(layer_with(R"({"bitstream": 7})"), "must name a bitstream by a string");
  EXPECT_DEATH(layer_with(R"({"bitstreams": "x"})"), "has the key 'bitstreams', FPGAReLU defines 'bitstream' alone");
}

}  // namespace
}  // namespace barista::testing
