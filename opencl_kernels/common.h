// Types and small functions that the kernels share.
//
// Build-time parameters: STORAGE, ACCUMULATE (the recipe's number format: what memory holds, what sums are kept in); FOR_BOARD, which
// barista/bitstream/build.py defines where Intel's offline compiler builds.
#ifndef BARISTA_COMMON_H_
#define BARISTA_COMMON_H_

#include "counted.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define VECTOR 16  // columns of the PE array, and floats of a word in which they lie in memory

typedef STORAGE storage;
typedef JOIN(STORAGE, 16) storage16;
typedef ACCUMULATE accumulate;
typedef JOIN(ACCUMULATE, 16) accumulate16;

#define SINGLE_WORK_ITEM __attribute__((max_global_work_dim(0))) __attribute__((uses_global_work_offset(0)))

// The loops of the block that follows become one, though one be longer than the other: what each does in its step n is done in the same
// cycle. For a board alone, since the compiler of Intel's emulator fails on it; loops that stay two follow each other, and do the same.
#ifdef FOR_BOARD
#define FUSE_LOOPS _Pragma("loop_fuse independent")
#else
#define FUSE_LOOPS FUSED_BLOCK
#endif

// Elements named one by one, not by .lo or .even: oclgrind's check for uninitialised values fails on a shuffle that changes width.
inline storage16 interleave_low(storage16 a, storage16 b) {
  return (storage16)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3, a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7);
}

inline storage16 interleave_high(storage16 a, storage16 b) {
  return (storage16)(a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb, b.sb, a.sc, b.sc, a.sd, b.sd, a.se, b.se, a.sf, b.sf);
}

// Turns 16 vectors into the 16 vectors of their transpose: four perfect shuffles, each a rotation of the 8-bit element address, so
// fixed wiring between registers and no multiplexer.
inline void transpose16(storage16 block[VECTOR]) {
#pragma unroll
  for (int stage = 0; stage < 4; stage++) {
    storage16 next[VECTOR];
#pragma unroll
    for (int i = 0; i < VECTOR / 2; i++) {
      next[2 * i] = interleave_low(block[i], block[i + VECTOR / 2]);
      next[2 * i + 1] = interleave_high(block[i], block[i + VECTOR / 2]);
    }
#pragma unroll
    for (int i = 0; i < VECTOR; i++) block[i] = next[i];
  }
}

// Single elements of a tensor.
inline storage load_element(__global const storage* from) {
  LOADED(1);
  return *from;
}

inline void store_element(storage value, __global storage* to) {
  WRITTEN(1);
  *to = value;
}

#define WIDTH VECTOR
#define LOAD load_vector
#define STORE store_vector
#define STORED stored
#include "access.h"

#endif  // BARISTA_COMMON_H_
