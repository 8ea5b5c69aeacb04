// Counters of what a plan's cost says (caffe_layers/plan/cost.hpp): steps of the innermost loops, and elements of tensors that are read
// from and written to external memory. In an ordinary build nothing of them is left; with -DCOUNTED=1, which a recipe's number `counted`
// gives, each kernel adds to three numbers at a fixed address of the process. So no kernel has an argument more than without, and a test
// that maps memory there reads what kernels did. Devices whose kernels run in the process alone can do it: Intel's emulator, PoCL.
#ifndef BARISTA_COUNTED_H_
#define BARISTA_COUNTED_H_

#ifdef COUNTED
#define COUNTERS ((volatile __global uint*)0x200000000000)  // steps, loaded, stored; as in tests/cpp/support/counted.hpp
inline void count_steps(int steps) { atomic_add(COUNTERS, (uint)steps); }
inline void count_loaded(int elements) { atomic_add(COUNTERS + 1, (uint)elements); }
inline void count_stored(int elements) { atomic_add(COUNTERS + 2, (uint)elements); }

#define STEP count_steps(1)
#define STEP_OF(number, unrolled) count_steps((number) % (unrolled) == 0)  // of a loop of which so many turns are one step
// Loops that become one take as many steps as the longer of them.
#define FUSED_BLOCK \
  for (int first_steps = 0, second_steps = 0, done = 0; done == 0; count_steps(max(first_steps, second_steps)), done = 1)
#define FIRST_STEP first_steps++
#define SECOND_STEP second_steps++
#define LOADED(elements) count_loaded(elements)
#define WRITTEN(elements) count_stored(elements)
#else
#define STEP
#define STEP_OF(number, unrolled)
#define FUSED_BLOCK
#define FIRST_STEP
#define SECOND_STEP
#define LOADED(elements)
#define WRITTEN(elements)
#endif

#endif  // BARISTA_COUNTED_H_
