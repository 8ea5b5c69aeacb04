// What the host tells the LRN kernels: the problem, how it is cut into tiles, and the constants of its formula.
//
// Plain C, compiled by kernels and host. A *group* is what all lanes work on side by side, and has rows
// and columns of on-chip words; a window is window_rows x window_columns of them:
//
//                     group                  lane                      row                       column
//   across channels   an image               one of LANES neighbour-   LANES neighbouring        a channel
//                                            ing positions             positions
//   within a channel  LANES planes (an image's one of these planes       a row of the planes       a column of the planes
//                     channel each)
#ifndef BARISTA_LRN_PROBLEM_H_
#define BARISTA_LRN_PROBLEM_H_

#include "interface/words.h"

enum { LRN_FORWARD, LRN_BACKWARD };

enum { LRN_NO_INTEGER, LRN_EVEN, LRN_ODD };  // what kind of number an exponent is

// high has at most 16 significant bits, so that its product with an exponent of two is exact; high + low is the exponent.
typedef struct {
  float high, low;
  int parity;
} lrn_exponent;
INTERFACE_WORDS(lrn_exponent, 3);

typedef struct {
  int pass;
  int across;                       // channels; 0: within a channel
  int rows, columns;                // of a group
  int positions;                    // words of a plane
  int planes;                       // images * channels
  int group_words;                  // in memory, from a group to the next
  int window_rows, window_columns;  // odd, and no larger than what a group lets it see
  int tap_rows;                     // rows of the window whose source is on chip at once; all of them where there is room
  int tile_rows, tile_columns;      // of results; the last tile of a row or column may be smaller
  float shift, factor;              // of the sum over a window
  lrn_exponent exponent;            // of what forward makes of it
} lrn_problem;
INTERFACE_WORDS(lrn_problem, 17);

// Tiles that a compute unit does: those of a group side by side.
typedef struct {
  int begin, end;
  int word, lanes;  // of the first tile's group: where it begins in memory, and planes from its first to the last
  int row, column;  // of the first tile
} lrn_range;
INTERFACE_WORDS(lrn_range, 6);

#endif  // BARISTA_LRN_PROBLEM_H_
