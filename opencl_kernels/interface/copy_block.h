// What the host tells the kernel that copies: rows that lie apart, a different distance in source and destination.
//
// Plain C, compiled by kernels and host.
#ifndef BARISTA_COPY_BLOCK_H_
#define BARISTA_COPY_BLOCK_H_

#include "interface/words.h"

typedef struct {
  int rows, run;  // words of a row that are copied
  int src_offset, src_stride;
  int dst_offset, dst_stride;
} copy_block;
INTERFACE_WORDS(copy_block, 6);

// Vectors of all rows that a compute unit does; of the first, the word of its row, and where that row begins.
typedef struct {
  int begin, end;
  int word, src, dst;
} copy_range;
INTERFACE_WORDS(copy_range, 5);

#endif  // BARISTA_COPY_BLOCK_H_
