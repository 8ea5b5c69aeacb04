// Vectors of LANES words, of which each kernel beside the PE array takes one of every operand a step; and of FUNCTION_LANES words, for
// kernels with a long chain of operators a word, among them dividers, roots, exponentials or logarithms.
//
// Build-time parameters: LANES (4, 8 or 16), FUNCTION_LANES (1, 2, 4, 8 or 16, LANES at most), STORAGE, ACCUMULATE. As many lanes as external
// memory feeds are enough: with more, a board pays for operators that wait.
#ifndef BARISTA_LANES_H_
#define BARISTA_LANES_H_

#include "common.h"

typedef JOIN(STORAGE, LANES) storage_lanes;
typedef JOIN(ACCUMULATE, LANES) accumulate_lanes;
typedef JOIN(int, LANES) int_lanes;
typedef JOIN(uint, LANES) uint_lanes;

#define to_storage_lanes JOIN(convert_, JOIN(STORAGE, LANES))
#define to_accumulate_lanes JOIN(convert_, JOIN(ACCUMULATE, LANES))
#define to_int_lanes JOIN(JOIN(convert_int, LANES), _rtz)
#define vload_lanes JOIN(vload, LANES)
#define vstore_lanes JOIN(vstore, LANES)

#if FUNCTION_LANES == 1  // OpenCL has no vectors of one
#define float1 float
#define int1 int
#define convert_float1 convert_float
#define convert_int1 convert_int
#define as_float1 as_float
#define as_int1 as_int
#define vload1(i, from) (from)[i]
#define vstore1(value, i, to) (to)[i] = (value)
#endif

typedef JOIN(STORAGE, FUNCTION_LANES) function_words;
typedef JOIN(ACCUMULATE, FUNCTION_LANES) function_numbers;
typedef JOIN(int, FUNCTION_LANES) function_ints;

#define to_function_words JOIN(convert_, JOIN(STORAGE, FUNCTION_LANES))
#define to_function_numbers JOIN(convert_, JOIN(ACCUMULATE, FUNCTION_LANES))
#define vload_functions JOIN(vload, FUNCTION_LANES)
#define vstore_functions JOIN(vstore, FUNCTION_LANES)

#define WIDTH LANES
#define LOAD load_lanes
#define STORE store_lanes
#define STORED stored_lanes
#include "access.h"

#define WIDTH FUNCTION_LANES
#define LOAD load_functions
#define STORE store_functions
#define STORED stored_functions
#include "access.h"

// Each lane's number, and sums over all lanes as a tree: always the same order, so always the same bits.
#define SUM_OF_4_LANES(v, a, b, c, d) ((v.s##a + v.s##b) + (v.s##c + v.s##d))
#if LANES == 4
#define LANE_NUMBERS ((int4)(0, 1, 2, 3))
#define SUM_OF_LANES(v) SUM_OF_4_LANES(v, 0, 1, 2, 3)
#elif LANES == 8
#define LANE_NUMBERS ((int8)(0, 1, 2, 3, 4, 5, 6, 7))
#define SUM_OF_LANES(v) (SUM_OF_4_LANES(v, 0, 1, 2, 3) + SUM_OF_4_LANES(v, 4, 5, 6, 7))
#elif LANES == 16
#define LANE_NUMBERS ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#define SUM_OF_LANES(v)                                              \
  ((SUM_OF_4_LANES(v, 0, 1, 2, 3) + SUM_OF_4_LANES(v, 4, 5, 6, 7)) + \
   (SUM_OF_4_LANES(v, 8, 9, a, b) + SUM_OF_4_LANES(v, c, d, e, f)))
#else
#error "LANES: 4, 8 or 16"
#endif

inline accumulate sum_of_lanes(accumulate_lanes v) { return SUM_OF_LANES(v); }
inline int count_of_lanes(int_lanes v) { return SUM_OF_LANES(v); }

// Turns LANES vectors into the vectors of their transpose: wiring between registers and no multiplexer.
inline void turn_lanes(storage_lanes block[LANES]) {
#if LANES == VECTOR
  transpose16(block);
#else
  storage word[LANES][LANES];
#pragma unroll
  for (int i = 0; i < LANES; i++) {
    storage single[LANES];
    vstore_lanes(block[i], 0, single);
#pragma unroll
    for (int j = 0; j < LANES; j++) word[j][i] = single[j];
  }
#pragma unroll
  for (int i = 0; i < LANES; i++) block[i] = vload_lanes(0, word[i]);
#endif
}

#endif  // BARISTA_LANES_H_
