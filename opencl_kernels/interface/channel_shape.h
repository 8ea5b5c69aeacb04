// What the host tells the kernels that hold a number a channel: the axes, and what is there to read and to write.
//
// Plain C, compiled by kernels and host. Blobs lie as [outer][channels][inner].
#ifndef BARISTA_CHANNEL_SHAPE_H_
#define BARISTA_CHANNEL_SHAPE_H_

#include "interface/words.h"

typedef struct {
  int outer, channels, inner;
  int image, count;  // words from an image to the next, and words that there are: the last plane may be cut short
} channel_shape;
INTERFACE_WORDS(channel_shape, 5);

// Rows that a compute unit does, and of the first its (first) channel, and the word at which it begins.
typedef struct {
  int begin, end;
  int first, word;
  int end_word;  // after the last row
} channel_range;
INTERFACE_WORDS(channel_range, 5);

// Operands and results that there are, of channel_affine_*,
enum {
  CHANNEL_OTHER = 1,
  CHANNEL_CENTRE = 2,
  CHANNEL_SLOPE = 4,
  CHANNEL_SCALE = 8,
  CHANNEL_SHIFT = 16,
  CHANNEL_KEEPS_SRC = 32,
  CHANNEL_KEEPS_DST = 64
};

// and of channel_sums_*: CHANNEL_CENTRE and
enum {
  CHANNEL_A = 128,
  CHANNEL_NEGATIVE_A = 256,  // of a, a * (a <= 0)
  CHANNEL_PRODUCTS = 512,
  CHANNEL_ADDS_PRODUCTS = 1024,
  CHANNEL_SUMS = 2048,
  CHANNEL_ADDS_SUMS = 4096
};

#endif  // BARISTA_CHANNEL_SHAPE_H_
