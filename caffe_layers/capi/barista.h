/* The C interface of libbarista.so: all that a program may call of it. Plain C.
 *
 * Python's side is barista/runtime/library.py, which has a prototype for each function below and for no other; a test holds the two
 * together. Where a function takes `error` and `size`, it returns 0 when all went well, else 1 (or NULL, where it returns text) and
 * writes a sentence of at most `size` bytes to `error`, the zero at its end included. Text that is returned is UTF-8, belongs to the
 * library and stays as it is until the same function is called again, unless said otherwise. JSON is text.
 */
#ifndef BARISTA_CAPI_BARISTA_H_
#define BARISTA_CAPI_BARISTA_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define BARISTA_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define BARISTA_EXPORT extern
#endif

/* The version of this interface. It grows whenever a function comes, goes, or changes its arguments or their meaning. */
#define BARISTA_ABI_VERSION 3

/* BARISTA_ABI_VERSION of the library: to be compared before anything else is called. */
BARISTA_EXPORT int barista_version(void);

/* --- the device ------------------------------------------------------------------------------------------------------------------
 * No function here throws or ends the process, except where one says so. */

/* Opens the process's device with the bitstream at `bitstream`, number `index` (from 0) among the devices that it was built for. NULL
 * and -1 take what BARISTA_BITSTREAM and BARISTA_DEVICE_INDEX say. A layer does the same on first use, but has to end the process where
 * it fails. Once it is open, another bitstream is an error here, and
 * comes besides where a layer's param_str names one (layers/programs.hpp); after a failure it may be tried again. */
BARISTA_EXPORT int barista_open_device(const char* bitstream, int index, char* error, size_t size);

/* 1 where Caffe's memory is the one that knows of the device, 0 where layers copy always (see memory/device_memory.hpp). */
BARISTA_EXPORT int barista_hook_is_live(void);

/* What was done on all devices so far, in `values`: launches, buffers created, uploads, upload bytes, downloads, download bytes, waits,
 * post-ops fused (see device::Counters). Writes at most `count` of them; returns how many there are, or -1 where there is no device. */
BARISTA_EXPORT int barista_counters(uint64_t* values, int count);

/* Waits until every device has done all that was asked of it: for measuring. */
BARISTA_EXPORT int barista_finish(char* error, size_t size);

/* Keeps the times of every command on the device of BARISTA_BITSTREAM from here to barista_record_end(). */
BARISTA_EXPORT int barista_record_begin(char* error, size_t size);

/* How many commands were recorded so far. */
BARISTA_EXPORT uint64_t barista_recorded(void);

/* Ends the recording: [[name, queue, bytes, enqueued, began, ended], ...], times in nanoseconds of the monotonic clock. */
BARISTA_EXPORT const char* barista_record_end(char* error, size_t size);

/* --- plans, which need no device: in libbarista_plan.so too, which links neither OpenCL nor Caffe ------------------------------------- */

/* What operations cost on the hardware of a recipe. `recipe` is a recipe in JSON, `operations` an array of objects; plan/operations.hpp says
 * what these hold and what is returned: for each operation its passes with their costs, or why the recipe can't take it, which is an answer
 * and no error. The text stays as it is until the same thread calls again. */
BARISTA_EXPORT const char* barista_plan(const char* recipe, const char* operations, char* error, size_t size);

/* --- views of the host's memory, which Python holds (memory/views.hpp) -------------------------------------------------------------- */

/* A view of the memory at `host` begins, or ends, to live. */
BARISTA_EXPORT void barista_view_begin(const void* host);
BARISTA_EXPORT void barista_view_end(const void* host);

/* From here on all views that pycaffe hands out begin and end so. */
BARISTA_EXPORT void barista_views_are_told(void);

/* This thread calls Caffe (1) or is in Python (0) from here on. Returns where it was. Coming back from Caffe, views are brought up to
 * date; a failure of the device ends the process, as in Caffe's own calls. */
BARISTA_EXPORT int barista_cross_to_caffe(int in_caffe);

/* --- training (training/training.hpp) -----------------------------------------------------------------------------------------------
 * A training owns a stock solver. Its calls must come from one thread, Caffe's generator being a thread's own, and may end the process:
 * an error does what Caffe's CHECKs do, see barista_report_fatal_to(). What a layer of type Python throws goes on as an exception of
 * Python's, with nothing for an answer: Python has to call with its lock held (ctypes.PyDLL). Text that is returned is JSON, valid until
 * the next call with the same training. */

/* A new training from the text of a SolverParameter, its nets constructed; NULL after an exception of Python's. It lives as long as the
 * process. random_seed should be set: it is what a resumed run constructs its nets from again. */
BARISTA_EXPORT void* barista_training_create(const char* solver);

/* {"net", "solver", "iteration", "batch": images a forward pass, "parameters": how many numbers are learnt, "tests": [{"name",
 * "batches"}], "layers": [names of those with parameters], "snapshot_bytes": about, "snapshot_problem", "test_problem": why Caffe would
 * abort when it writes a snapshot or tests, or "", "stock_code": [[name, type, reason], ...] of the layers of device types that run in
 * stock Caffe, the device being unable to take their shapes, "repeated_names": [[name, [number of parameters of each layer]], ...]} */
BARISTA_EXPORT const char* barista_training_describe(void* training);

/* One iteration, update included: {"iteration": its number from 0, "loss", "smoothed_loss", "learning_rate"}, and at those that the
 * solver displays "outputs": [{"name", "values", "loss_weight", stock "type" of the layer, "top_k" and "first_top" of Accuracy layers}].
 * Where the loss is no longer a number there is no update: {"iteration", "loss": "nan", "inf" or "-inf", "not_finite": see
 * training/not_finite.hpp}. */
BARISTA_EXPORT const char* barista_training_iterate(void* training);

/* A forward pass without an update: {"iteration", "loss", "smoothed_loss", "outputs"}. It takes a batch. Where the loss is no longer a
 * number, as in an iteration. */
BARISTA_EXPORT const char* barista_training_last_loss(void* training);

/* A test of test net `index` (from 0) is begin, any number of batches, end; end gives the means over them: {"iteration", "net",
 * "outputs": as above, "loss" where the solver wants it}. A test that was begun need not end. */
BARISTA_EXPORT void barista_training_test_begin(void* training, int index);
BARISTA_EXPORT void barista_training_test_batch(void* training, int index);
BARISTA_EXPORT const char* barista_training_test_end(void* training, int index);

/* Writes `aside_prefix`_iter_N.caffemodel and .solverstate (.h5 after both in HDF5), as stock Caffe does, the state naming its model as
 * `final_prefix`_iter_N. Reads both back: {"model": path, "state": path, "problem": what is wrong with them, or ""}. Where weights are
 * not finite, nothing is written: {"not_finite": see training/not_finite.hpp}. */
BARISTA_EXPORT const char* barista_training_snapshot(void* training, const char* aside_prefix, const char* final_prefix);

/* The first parameter that is not finite (see training/not_finite.hpp), or null. */
BARISTA_EXPORT const char* barista_training_not_finite_parameter(void* training);

/* Weights, history and iteration from a stock solver state, on a training that has not run. */
BARISTA_EXPORT void barista_training_restore(void* training, const char* state);

/* The two halves of bringing a net (0: train net, then the test nets) to its place in the data; see training/data_place.hpp. The second
 * returns 0 when there is nothing to replay. */
BARISTA_EXPORT void barista_training_skip(void* training, int net, uint64_t batches);
BARISTA_EXPORT int barista_training_replay(void* training, int net, uint64_t batches);

/* All else that a snapshot forgets, out and in: {"caffe_random", "c_random", "losses", "smoothed_loss", "window_start",
 * "hidden_states"}, floats as their bits. */
BARISTA_EXPORT const char* barista_training_resume_state(void* training);
BARISTA_EXPORT void barista_training_resume(void* training, const char* resume_state);

/* --- how a process that runs Caffe ends -------------------------------------------------------------------------------------------- */

/* Writes {"event": "fatal", "message": ..., "layer": the layer at work or "", "place": "file.cpp:line"} as one line to `file_descriptor`
 * when Caffe gives up; where they are known, with "error": what Caffe said before in that thread, "source" and "mean_file": the layer's
 * files, and "item": what of its data it was reading. Once a process. */
BARISTA_EXPORT void barista_report_fatal_to(int file_descriptor);

/* The layer that this thread works for, or that Caffe is making, or "": for an exception that a layer of type Python has thrown. Of use
 * after barista_report_fatal_to() alone. */
BARISTA_EXPORT const char* barista_layer_at_work(void);

/* Gives this process, which must lead a process group of its own, `seconds` to end: then the whole group is killed, whatever it waits
 * for. */
BARISTA_EXPORT void barista_end_within(unsigned seconds);

/* --- what Caffe's library knows, without a device ----------------------------------------------------------------------------------
 * A net or solver that Caffe can't upgrade fails one of its CHECKs, which ends the process. */

enum {
  BARISTA_UPGRADED = 0,
  BARISTA_NOT_PARSED = 1, /* not a serialised message of that type */
  BARISTA_INCOMPLETE = 2, /* upgraded, except for what Caffe logged as a problem */
  BARISTA_NO_MEMORY = 3
};

/* Upgrades a serialised NetParameter of any of Caffe's formats to the present one. `file` is what Caffe's log calls it. On
 * BARISTA_UPGRADED and BARISTA_INCOMPLETE, *out is a serialised NetParameter of *out_bytes that the caller gives back to
 * barista_release(). */
BARISTA_EXPORT int barista_upgrade_net(const char* file, const void* in, size_t in_bytes, void** out, size_t* out_bytes);

/* The same for a SolverParameter; nets inside it stay as they are. */
BARISTA_EXPORT int barista_upgrade_solver(const char* file, const void* in, size_t in_bytes, void** out, size_t* out_bytes);
BARISTA_EXPORT void barista_release(void* buffer);

/* The layer types that this process's Caffe knows, and its solver types, one a line. */
BARISTA_EXPORT const char* barista_layer_types(void);
BARISTA_EXPORT const char* barista_solver_types(void);

/* {"layers": names of those that the HDF5 file of weights at `path` has parameters of, "problem": what is wrong with the file, or ""} */
BARISTA_EXPORT const char* barista_hdf5_layers(const char* path);

#endif /* BARISTA_CAPI_BARISTA_H_ */
