#include "training/data_place.hpp"

#include <boost/random/mersenne_twister.hpp>
#include <memory>
#include <string>

#include "caffe/layer.hpp"
#include "caffe/util/db.hpp"
#include "caffe/util/rng.hpp"
#include "training/solver_members.hpp"

namespace barista::training {
namespace {

using caffe::DataLayer;
using caffe::Net;

// Layers that make data without a place in it: what they draw comes from the thread's generator.
bool is_placeless(const std::string& type) { return type == "Input" || type == "DummyData" || type == "Parameter"; }

bool is_database(caffe::Layer<float>& layer) { return dynamic_cast<DataLayer<float>*>(&layer) != nullptr; }

std::uint64_t count_records(caffe::db::DB& database) {
  const std::unique_ptr<caffe::db::Cursor> cursor(database.NewCursor());
  std::uint64_t records = 0;
  for (; cursor->valid(); cursor->Next()) {
    ++records;
  }
  return records;
}

// How often DataTransformer::Transform draws for one image.
int draws_per_record(const caffe::LayerParameter& layer) {
  const auto& transform = layer.transform_param();
  const bool crops = transform.crop_size() > 0 && layer.phase() == caffe::TRAIN;
  return (transform.mirror() ? 1 : 0) + (crops ? 2 : 0);
}

// Cursor and generator go on as if `batches` more had been loaded.
void skip_unloaded(DataLayer<float>& layer, std::uint64_t batches) {
  const std::uint64_t records = batches * layer.layer_param().data_param().batch_size();
  const auto& generator = (layer.*DataMembers::transformer()).get()->*TransformerMembers::generator();
  if (generator) {
    static_cast<caffe::rng_t*>(generator->generator())->discard(records * draws_per_record(layer.layer_param()));
  }
  const std::uint64_t steps = records % count_records(*(layer.*DataMembers::database()));
  for (std::uint64_t i = 0; i < steps; ++i) {
    (layer.*DataMembers::next())();
  }
}

// The prefetch thread has loaded some batches since it was started; it is stopped between two of them, never within one.
void skip(DataLayer<float>& layer, std::uint64_t batches) {
  layer.StopInternalThread();
  auto& loaded = layer.*DataMembers::full_batches();
  std::uint64_t dropped = 0;
  for (caffe::Batch<float>* batch = nullptr; dropped < batches && loaded.try_pop(&batch); ++dropped) {
    (layer.*DataMembers::free_batches()).push(batch);
  }
  if (dropped < batches) {
    skip_unloaded(layer, batches - dropped);
  }
  layer.StartInternalThread();
}

}  // namespace

void skip_database_batches(Net<float>& net, std::uint64_t batches) {
  for (const auto& layer : net.layers()) {
    if (auto* data = dynamic_cast<DataLayer<float>*>(layer.get())) {
      skip(*data, batches);
    }
  }
}

bool replay_batches(Net<float>& net, std::uint64_t batches) {
  bool any = false;
  for (std::size_t i = 0; i < net.layers().size(); ++i) {
    caffe::Layer<float>& layer = *net.layers()[i];
    if (!net.bottom_vecs()[i].empty() || is_placeless(layer.type()) || is_database(layer)) {
      continue;
    }
    any = true;
    for (std::uint64_t batch = 0; batch < batches; ++batch) {
      layer.Forward(net.bottom_vecs()[i], net.top_vecs()[i]);
    }
  }
  return any;
}

}  // namespace barista::training
