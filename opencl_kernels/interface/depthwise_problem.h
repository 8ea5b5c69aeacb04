// What the host tells the depthwise kernels: the planes, the parts that they are cut into, and the sweeps over each part.
//
// Plain C, compiled by kernels and host. A *plane* is one
// channel of one image. The *source* of a pass is what it loads and the *result* what it stores: forward src and dst,
// backward-data diff_dst and diff_src; backward-weights loads src (the source) and diff_dst (the result). A *word* is that of
// LANES planes.
#ifndef BARISTA_DEPTHWISE_PROBLEM_H_
#define BARISTA_DEPTHWISE_PROBLEM_H_

#include "interface/words.h"

#define DEPTHWISE_TAPS 3       // of a row of the kernel that a step takes
#define DEPTHWISE_PARTIALS 16  // sums of which the gradient of a weight is made, each back after as many steps

// A rectangle of a plane, in memory and on chip. Positions that are congruent modulo the phases of an axis, a *phase*, lie side
// by side on chip, so that what is read at a stride, or with gaps, is read word after word.
typedef struct {
  int offset;                     // in memory: the plane's word at which it begins
  int runs, run;                  // words that lie together: rows, or one run of all rows where they are whole; no runs: nothing
  int columns;                    // words of a row
  int address;                    // on chip: of its first word
  int row_phase, column_phase;    // of its first word
  int row_phases, column_phases;  // that there are
  int row_kept, column_kept;      // those that some result sees; words of others are left out
  int row_step, row_wrap;         // on chip, from a row to the next: of the next phase, and of phase 0
  int column_step, column_wrap;   // the same from a column to the next
} depthwise_area;
INTERFACE_WORDS(depthwise_area, 15);

// A tile of the result and a rectangle of the kernel, for any LANES planes.
typedef struct {
  depthwise_area source, result;
  int sweep_begin, sweep_end;
  int clear;                      // a word on chip that must be zero is not after the part before
  int last;                       // of the tile's
  int load_weights;               // 0: they are those of the part before
  int weights_offset;             // in memory: the plane's weight at which the kernel's rectangle begins
  int weights_runs, weights_run;  // weights that lie together: rows, or one run of all rows where they are whole
  // Backward-weights alone:
  int kernel_columns;      // of the kernel's rectangle
  int classes;             // of its columns, congruent modulo the stride (less what divides the dilation too)
  int row_chunks, chunks;  // sets of DEPTHWISE_TAPS taps of a class in a row, and in all
} depthwise_part;
INTERFACE_WORDS(depthwise_part, 42);

// Up to DEPTHWISE_TAPS taps in a row, over all results of one phase: word i of the result meets the words from source + i.
typedef struct {
  int source, result;  // words on chip
  int words;           // of the result
  int steps;           // DEPTHWISE_TAPS - 1 to begin with, words, and idle ones
  int taps;
  int weight,
      weight_step;  // on chip: of the first tap, and from a tap to the next; backward-weights: of the first tap's partial sums
  int first;        // sums begin here
  int columns;      // backward-weights: results of a row; what lies between them and the next row is none
} depthwise_sweep;
INTERFACE_WORDS(depthwise_sweep, 9);

typedef struct {
  int planes, channels;          // planes: images * channels
  int source_plane, source_row;  // words of a plane, and of a row of it
  int result_plane, result_row;
  int kernel_plane, kernel_row;
  int source_words;                // on chip, in any part
  int pitch;                       // on chip, from a row of a phase to the next
  int tiles, parts;                // of a plane; those of a tile, backward-weights of a kernel's rectangle, side by side
  int source_image, result_image;  // words of an image,
  int source_blob, result_blob, weights_blob;  // and of all
} depthwise_problem;
INTERFACE_WORDS(depthwise_problem, 17);

typedef struct {
  int begin, end;               // parts of all groups of LANES planes; backward-weights: groups of LANES channels
  int plane, part;              // the first plane, and the first part among its tile's
  int source, result, weights;  // words before those of the first plane
} depthwise_range;
INTERFACE_WORDS(depthwise_range, 7);

// The word of an area on chip, from its first to its last.
typedef struct {
  int address, row_address;
  int column, column_phase, row_phase;
} depthwise_place;
INTERFACE_WORDS(depthwise_place, 5);

inline depthwise_place depthwise_first(const depthwise_area a) {
  depthwise_place at;
  at.address = a.address;
  at.row_address = a.address;
  at.column = 0;
  at.column_phase = a.column_phase;
  at.row_phase = a.row_phase;
  return at;
}

inline depthwise_place depthwise_next(depthwise_place at, const depthwise_area a) {
  if (++at.column < a.columns) {
    const bool wraps = at.column_phase + 1 == a.column_phases;
    at.address += wraps ? a.column_wrap : a.column_step;
    at.column_phase = wraps ? 0 : at.column_phase + 1;
  } else {
    const bool wraps = at.row_phase + 1 == a.row_phases;
    at.row_address += wraps ? a.row_wrap : a.row_step;
    at.row_phase = wraps ? 0 : at.row_phase + 1;
    at.address = at.row_address;
    at.column = 0;
    at.column_phase = a.column_phase;
  }
  return at;
}

inline bool depthwise_kept(const depthwise_place at, const depthwise_area a) {
  return at.column_phase < a.column_kept && at.row_phase < a.row_kept;
}

// Where the partial sums of a tap lie: taps are numbered row by row, sets of DEPTHWISE_TAPS of a class class by class.
typedef struct {
  int column, tap_class, bank, chunk, row_chunk;
} depthwise_tap;
INTERFACE_WORDS(depthwise_tap, 5);

inline depthwise_tap depthwise_next_tap(depthwise_tap at, const depthwise_part t) {
  if (++at.column == t.kernel_columns) {
    at.column = at.tap_class = at.bank = 0;
    at.row_chunk += t.row_chunks;
    at.chunk = at.row_chunk;
  } else if (++at.tap_class == t.classes) {
    at.tap_class = 0;
    if (++at.bank == DEPTHWISE_TAPS) {
      at.bank = 0;
      at.chunk += t.classes;
    }
  }
  return at;
}

#endif  // BARISTA_DEPTHWISE_PROBLEM_H_
