// The plans of operations on the multiply grid of the open device. What the function does, barista.h says.
#include <string>
#include <vector>

#include "capi/barista.h"
#include "capi/status.hpp"
#include "device/device_manager.hpp"
#include "nlohmann/json.hpp"
#include "plan/convolution_plan.hpp"
#include "plan/inner_product_plan.hpp"

namespace {

using barista::capi::status_of;
using barista::device::DeviceManager;

// The plans of one operation, which is an object with the fields of its shape.
std::vector<barista::plan::PassPlan> plans(const nlohmann::json& op) {
  const auto field = [&](const char* name) { return op.at(name).get<int>(); };
  const barista::device::Recipe& recipe = DeviceManager::instance().recipe();
  if (op.at("op") == "inner product")
    return barista::plan::plan_inner_product(recipe, {field("N"), field("K"), field("O"), op.at("transpose").get<bool>()}).passes();
  barista::plan::ConvolutionShape s = {};
  s.N = field("N"), s.C = field("C"), s.H = field("H"), s.W = field("W");
  s.O = field("O"), s.KH = field("KH"), s.KW = field("KW"), s.G = field("G");
  s.SH = field("SH"), s.SW = field("SW"), s.PH = field("PH"), s.PW = field("PW"), s.DH = field("DH"), s.DW = field("DW");
  return barista::plan::plan_convolution(recipe, s).passes();
}

}  // namespace

const char* barista_grid_plans(const char* operations, char* error, std::size_t size) {
  static std::string text;
  const int status = status_of(
      [&] {
        nlohmann::json all = nlohmann::json::array();
        for (const nlohmann::json& op : nlohmann::json::parse(operations)) {
          nlohmann::json passes = nlohmann::json::array();
          for (const barista::plan::PassPlan& pass : plans(op))
            passes.push_back({pass.pass.name, pass.plan.cycles, pass.plan.utilization});
          all.push_back(passes);
        }
        text = all.dump();
      },
      error, size);
  return status == 0 ? text.c_str() : nullptr;
}
