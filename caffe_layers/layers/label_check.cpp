#include "layers/label_check.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>
#include <utility>

#include "memory/device_memory.hpp"

namespace barista::layers {
namespace {

template <typename Dtype>
using Bottoms = std::vector<caffe::Blob<Dtype>*>;

struct Rule {
  int bottom;  // that holds the numbers,
  int count;   // so many of which are read
  int choices;
  std::optional<int> ignored;
  const char *number, *chosen, *mend;  // what the sentence calls them
  bool needs_any;                      // stock Caffe divides by how many there are
};

constexpr char kClasses[] = "mend the data, raise num_output of the layer before it, or leave such labels out with ignore_label";
constexpr char kAllClasses[] = "mend the data, or raise num_output of the layer before it";

template <typename Dtype>
Rule of_classes(const Bottoms<Dtype>& bottom, int axis, std::optional<int> ignored) {
  return {1,   bottom[1]->count(), bottom[0]->shape(bottom[0]->CanonicalAxisIndex(axis)), ignored, "label", "classes", kClasses,
          true};
}

template <typename Dtype>
Rule of_values(const Bottoms<Dtype>& bottom) {
  const int images = bottom[0]->shape(0);
  return {
      1,   std::min(images, bottom[1]->count()), images == 0 ? 0 : bottom[0]->count() / images, {}, "label", "classes", kAllClasses,
      true};
}

// Of LossParameter and AccuracyParameter.
template <typename Parameter>
std::optional<int> ignored_label(const Parameter& param) {
  return param.has_ignore_label() ? std::optional<int>(param.ignore_label()) : std::nullopt;
}

template <typename Dtype>
std::optional<Rule> rule_of(const caffe::LayerParameter& layer, const Bottoms<Dtype>& bottom) {
  const std::string prefix = "FPGA";
  const std::string type = layer.type().rfind(prefix, 0) == 0 ? layer.type().substr(prefix.size()) : layer.type();
  if (type == "SoftmaxWithLoss") return of_classes(bottom, layer.softmax_param().axis(), ignored_label(layer.loss_param()));
  if (type == "Accuracy") return of_classes(bottom, layer.accuracy_param().axis(), ignored_label(layer.accuracy_param()));
  if (type == "InfogainLoss") return of_classes(bottom, layer.infogain_loss_param().axis(), ignored_label(layer.loss_param()));
  if (type == "MultinomialLogisticLoss" || type == "HingeLoss") return of_values(bottom);
  if (type == "Embed")
    return Rule{0,
                bottom[0]->count(),
                static_cast<int>(layer.embed_param().input_dim()),
                {},
                "number",
                "rows",
                "mend the data, or raise embed_param.input_dim",
                false};
  if (type == "BatchReindex")
    return Rule{1, bottom[1]->count(), bottom[0]->shape(0), {}, "index", "items", "mend the indices in its second bottom", false};
  return std::nullopt;
}

// A NaN is neither.
template <typename Dtype>
bool is_right(Dtype number, const Rule& rule) {
  return (number > -1 && number < static_cast<Dtype>(rule.choices)) ||
         (rule.ignored && std::trunc(number) == static_cast<Dtype>(*rule.ignored));
}

// Without a way out of the loop, so that the compiler takes many numbers at once: nearly always all are right.
template <typename Dtype>
bool all_choose(const Dtype* numbers, const Rule& rule) {
  const auto choices = static_cast<Dtype>(rule.choices), ignored = static_cast<Dtype>(rule.ignored.value_or(0));
  bool all = true;
  for (int i = 0; i < rule.count; i++) all &= ((numbers[i] > -1) & (numbers[i] < choices)) | (numbers[i] == ignored);
  return all;
}

std::string place(const caffe::LayerParameter& layer) {
  return "layer '" + layer.name() + "'" + (layer.phase() == caffe::TEST ? " of the test net" : "") + ": ";
}

}  // namespace

template <typename Dtype>
std::string bad_label(const caffe::LayerParameter& layer, const Bottoms<Dtype>& bottom) {
  const std::optional<Rule> rule = rule_of(layer, bottom);
  if (!rule) return "";
  if (rule->count == 0)
    return rule->needs_any ? place(layer) + "the batch has no labels; did a Filter before it choose no item?" : "";
  const Dtype* numbers = bottom[rule->bottom]->cpu_data();
  if (all_choose(numbers, *rule)) return "";
  const Dtype* bad = std::find_if(numbers, numbers + rule->count, [&](Dtype number) { return !is_right(number, *rule); });
  if (bad == numbers + rule->count) return "";
  std::ostringstream value;
  value.precision(9);
  value << *bad;
  return place(layer) + rule->number + " " + value.str() + " (value " + std::to_string(bad - numbers) +
         " of its batch, from 0) is none of the " + std::to_string(rule->choices) + " " + rule->chosen + ", which are 0 to " +
         std::to_string(rule->choices - 1) + "; " + rule->mend;
}

template <typename Dtype>
void check_labels(const caffe::LayerParameter& layer, const Bottoms<Dtype>& bottom) {
  const std::string sentence = bad_label(layer, bottom);
  if (!sentence.empty()) LOG(FATAL) << sentence;
}

void check_labels_on_host(const caffe::LayerParameter& layer, const Bottoms<float>& bottom) {
  if (memory::data_is_on_host(*bottom[1])) check_labels(layer, bottom);
}

std::string first_bad_label(const caffe::Net<float>& net) {
  for (std::size_t i = 0; i < net.layers().size(); ++i) {
    std::string sentence = bad_label(net.layers()[i]->layer_param(), net.bottom_vecs()[i]);
    if (!sentence.empty()) return sentence;
  }
  return "";
}

void check_labels(const caffe::Net<float>& net) {
  const std::string sentence = first_bad_label(net);
  if (!sentence.empty()) LOG(FATAL) << sentence;
}

template std::string bad_label(const caffe::LayerParameter&, const Bottoms<float>&);
template std::string bad_label(const caffe::LayerParameter&, const Bottoms<double>&);
template void check_labels(const caffe::LayerParameter&, const Bottoms<float>&);
template void check_labels(const caffe::LayerParameter&, const Bottoms<double>&);

}  // namespace barista::layers
