#include "training/snapshot_check.hpp"

#include <cstddef>
#include <cstring>
#include <set>
#include <string_view>
#include <vector>

#include "caffe/util/io.hpp"
#include "hdf5.h"
#include "hdf5_hl.h"

namespace barista::training {
namespace {

using caffe::Blob;
using caffe::Net;

bool is_hdf5(std::string_view path) { return path.size() > 3 && path.substr(path.size() - 3) == ".h5"; }

bool same_bytes(const Blob<float>& blob, const float* values) {
  return std::memcmp(blob.cpu_data(), values, blob.count() * sizeof(float)) == 0;
}

bool same_as_proto(const Blob<float>& blob, const caffe::BlobProto& written) {
  return written.data_size() == blob.count() && same_bytes(blob, written.data().data());
}

std::string check_model_proto(const Net<float>& net, const std::string& path) {
  caffe::NetParameter written;
  if (!caffe::ReadProtoFromBinaryFile(path, &written)) {
    return "cannot be parsed";
  }
  // Caffe writes all layers in the net's order, so one is found by its place: names may repeat.
  if (written.layer_size() != static_cast<int>(net.layers().size())) {
    return "holds " + std::to_string(written.layer_size()) + " layers of " + std::to_string(net.layers().size());
  }
  for (int index = 0; index < written.layer_size(); ++index) {
    const std::string& name = net.layers()[index]->layer_param().name();
    const auto& blobs = net.layers()[index]->blobs();
    const caffe::LayerParameter& layer = written.layer(index);
    if (layer.name() != name || layer.blobs_size() != static_cast<int>(blobs.size())) {
      return "lacks parameters of layer '" + name + "'";
    }
    for (std::size_t i = 0; i < blobs.size(); ++i) {
      if (!same_as_proto(*blobs[i], layer.blobs(static_cast<int>(i)))) {
        return "holds other values for layer '" + name + "' than the net";
      }
    }
  }
  return "";
}

std::string check_state_proto(caffe::SGDSolver<float>& solver, const std::string& path) {
  caffe::SolverState written;
  if (!caffe::ReadProtoFromBinaryFile(path, &written)) {
    return "cannot be parsed";
  }
  const auto& history = solver.history();
  if (written.iter() != solver.iter() || written.history_size() != static_cast<int>(history.size())) {
    return "is not whole";
  }
  for (std::size_t i = 0; i < history.size(); ++i) {
    if (!same_as_proto(*history[i], written.history(static_cast<int>(i)))) {
      return "holds another history than the solver";
    }
  }
  return "";
}

// An HDF5 file, open for reading. HDF5's own error messages are left out: the answer says what is wrong.
class Hdf5File {
 public:
  explicit Hdf5File(const std::string& path) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    file_ = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  }
  ~Hdf5File() {
    if (file_ >= 0) {
      H5Fclose(file_);
    }
  }
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;

  bool is_open() const { return file_ >= 0; }
  hid_t id() const { return file_; }

  bool holds(const std::string& dataset, const Blob<float>& blob) const {
    int axes = 0;
    if (H5LTget_dataset_ndims(file_, dataset.c_str(), &axes) < 0) {
      return false;
    }
    std::vector<hsize_t> shape(axes);
    if (H5LTget_dataset_info(file_, dataset.c_str(), shape.data(), nullptr, nullptr) < 0) {
      return false;
    }
    hsize_t count = 1;
    for (const hsize_t extent : shape) {
      count *= extent;
    }
    std::vector<float> values(count);
    return count == static_cast<hsize_t>(blob.count()) && H5LTread_dataset_float(file_, dataset.c_str(), values.data()) >= 0 &&
           same_bytes(blob, values.data());
  }

 private:
  hid_t file_;
};

// Caffe writes a shared parameter only where its owner is.
std::set<const Blob<float>*> owned_parameters(const Net<float>& net) {
  std::set<const Blob<float>*> owned;
  for (std::size_t i = 0; i < net.params().size(); ++i) {
    if (net.param_owners()[i] == -1) {
      owned.insert(net.params()[i].get());
    }
  }
  return owned;
}

std::string check_model_hdf5(const Net<float>& net, const std::string& path) {
  const Hdf5File file(path);
  if (!file.is_open()) {
    return "cannot be opened";
  }
  const auto owned = owned_parameters(net);
  for (const auto& layer : net.layers()) {
    const std::string& name = layer->layer_param().name();
    for (std::size_t i = 0; i < layer->blobs().size(); ++i) {
      const Blob<float>& blob = *layer->blobs()[i];
      if (owned.count(&blob) != 0 && !file.holds("data/" + name + "/" + std::to_string(i), blob)) {
        return "lacks parameters of layer '" + name + "', or holds other values than the net";
      }
    }
  }
  return "";
}

std::string check_state_hdf5(caffe::SGDSolver<float>& solver, const std::string& path) {
  const Hdf5File file(path);
  if (!file.is_open()) {
    return "cannot be opened";
  }
  for (std::size_t i = 0; i < solver.history().size(); ++i) {
    if (!file.holds("history/" + std::to_string(i), *solver.history()[i])) {
      return "is not whole, or holds another history than the solver";
    }
  }
  return "";
}

// Names of a group's members in Caffe's order. `visit` is given each.
template <typename Visitor>
bool each_name(hid_t group, Visitor visit) {
  H5G_info_t info;
  if (H5Gget_info(group, &info) < 0) {
    return false;
  }
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_NATIVE, i, nullptr, 0, H5P_DEFAULT);
    if (length < 0) {
      return false;
    }
    std::string name(length, '\0');
    H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_NATIVE, i, name.data(), length + 1, H5P_DEFAULT);
    visit(name);
  }
  return true;
}

}  // namespace

std::string hdf5_problem(const Net<float>& net) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  // A file in memory that is never written: whether HDF5 takes a name is HDF5's to say.
  constexpr std::size_t kIncrement = 64 * 1024;
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_core(access, kIncrement, false);
  const hid_t file = H5Fcreate("barista", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  const hid_t data = H5Gcreate2(file, "data", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  std::string problem;
  std::set<std::string> made;
  for (const auto& layer : net.layers()) {
    const std::string& name = layer->layer_param().name();
    const hid_t group = H5Gcreate2(data, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) {
      problem =
          "layer '" + name + "': " + (made.count(name) != 0 ? "another one has that name" : "HDF5 has no group of such a name");
      break;
    }
    H5Gclose(group);
    made.insert(name);
  }
  // A name like "conv1/" is taken, for another one under which nothing would be found again.
  each_name(data, [&](const std::string& name) { made.erase(name); });
  if (problem.empty() && !made.empty()) {
    problem = "layer '" + *made.begin() + "': HDF5 has no group of such a name";
  }
  H5Gclose(data);
  H5Fclose(file);
  H5Pclose(access);
  return problem;
}

std::string hdf5_layers(const std::string& path, std::vector<std::string>& names) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  if (H5Fis_hdf5(path.c_str()) <= 0) {
    return "is not HDF5";
  }
  const Hdf5File file(path);
  if (!file.is_open()) {
    return "cannot be opened; it is cut short or damaged";
  }
  const hid_t data = H5Gopen2(file.id(), "data", H5P_DEFAULT);
  if (data < 0) {
    return "has no group 'data', which Caffe keeps weights in";
  }
  const bool whole = each_name(data, [&](const std::string& name) {
    const hid_t layer = H5Gopen2(data, name.c_str(), H5P_DEFAULT);
    H5G_info_t info;
    if (layer >= 0 && H5Gget_info(layer, &info) >= 0 && info.nlinks > 0) {
      names.push_back(name);
    }
    if (layer >= 0) {
      H5Gclose(layer);
    }
  });
  H5Gclose(data);
  return whole ? "" : "cannot be read; it is cut short or damaged";
}

std::string check_model(const Net<float>& net, const std::string& path) {
  return is_hdf5(path) ? check_model_hdf5(net, path) : check_model_proto(net, path);
}

std::string check_state(caffe::SGDSolver<float>& solver, const std::string& path) {
  return is_hdf5(path) ? check_state_hdf5(solver, path) : check_state_proto(solver, path);
}

}  // namespace barista::training
