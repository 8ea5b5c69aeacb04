// Class Training as C entry points for the worker process of `barista train`. What each function does, barista.h says.
#include "training/training.hpp"

#include <cxxabi.h>

#include <cstdint>
#include <cstring>
#include <exception>
#include <string>

#include "caffe/caffe.hpp"
#include "capi/barista.h"
#include "google/protobuf/text_format.h"
#include "nlohmann/json.hpp"
#include "training/data_place.hpp"

namespace {

using barista::training::Training;
using nlohmann::json;

// What `void* training` points to.
struct Opened {
  Training training;
  std::string answer;
};

Training& training_of(void* training) { return static_cast<Opened*>(training)->training; }

// Whether the exception at hand is Boost.Python's, which says no more than that Python has one.
bool is_of_python() { return std::strcmp(abi::__cxa_current_exception_type()->name(), "N5boost6python17error_already_setE") == 0; }

// Runs what an entry point does. An exception may not leave a C function: at Caffe's edge, what Caffe does. What a layer of type Python
// throws goes on as an exception of Python's, which ctypes.PyDLL raises, with nothing for an answer.
template <typename Body>
auto guarded(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    LOG(FATAL) << error.what();
  } catch (...) {
    if (!is_of_python()) throw;
  }
  return decltype(body())();
}

template <typename Body>
const char* answered(void* training, Body body) {
  return guarded([&] {
    std::string& answer = static_cast<Opened*>(training)->answer;
    answer = body(training_of(training)).dump(-1, ' ', false, json::error_handler_t::replace);
    return answer.c_str();
  });
}

}  // namespace

void* barista_training_create(const char* solver) {
  return guarded([&]() -> void* {
    caffe::SolverParameter param;
    CHECK(google::protobuf::TextFormat::ParseFromString(solver, &param)) << "Failed to parse SolverParameter";
    caffe::Caffe::set_mode(caffe::Caffe::CPU);
    return new Opened{Training(param), ""};
  });
}

const char* barista_training_describe(void* training) {
  return answered(training, [](Training& it) { return it.describe(); });
}

const char* barista_training_iterate(void* training) {
  return answered(training, [](Training& it) { return it.iterate(); });
}

const char* barista_training_last_loss(void* training) {
  return answered(training, [](Training& it) { return it.last_loss(); });
}

void barista_training_test_begin(void* training, int index) {
  guarded([&] { training_of(training).begin_test(index); });
}

void barista_training_test_batch(void* training, int index) {
  guarded([&] { training_of(training).test_batch(index); });
}

const char* barista_training_test_end(void* training, int index) {
  return answered(training, [&](Training& it) { return it.end_test(index); });
}

const char* barista_training_snapshot(void* training, const char* aside_prefix, const char* final_prefix) {
  return answered(training, [&](Training& it) { return it.snapshot(aside_prefix, final_prefix); });
}

const char* barista_training_not_finite_parameter(void* training) {
  return answered(training, [](Training& it) { return it.not_finite_parameter(); });
}

void barista_training_restore(void* training, const char* state) {
  guarded([&] { training_of(training).restore(state); });
}

void barista_training_skip(void* training, int net, std::uint64_t batches) {
  guarded([&] { barista::training::skip_database_batches(training_of(training).any_net(net), batches); });
}

int barista_training_replay(void* training, int net, std::uint64_t batches) {
  return guarded([&] { return barista::training::replay_batches(training_of(training).any_net(net), batches) ? 1 : 0; });
}

const char* barista_training_resume_state(void* training) {
  return answered(training, [](Training& it) { return it.resume_state(); });
}

void barista_training_resume(void* training, const char* resume_state) {
  guarded([&] { training_of(training).resume(json::parse(resume_state)); });
}
