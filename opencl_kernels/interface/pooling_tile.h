// What the host tells the pooling kernels: the problem, the tiles that it is cut into, and which of them a compute unit does.
//
// Plain C, compiled by kernels and host. All clipping at the borders of
// an image is in these figures; the kernels only count. A *plane* is one channel of one image, a *lane* the planes of one of LANES
// words. The *source* of a pass is what it loads (forward: src, backward: diff_dst and winners), its *result* what it stores.
#ifndef BARISTA_POOLING_TILE_H_
#define BARISTA_POOLING_TILE_H_

#include "interface/words.h"

enum {
  POOLING_MAXIMUM,
  POOLING_AVERAGE,
  POOLING_STOCHASTIC,  // one element of each window, drawn as often as its share of the window's sum says
  POOLING_EXPECTED     // what that gives on average: the window's sum of squares over its sum
};

typedef struct {
  int planes;           // images * channels
  int planes_per_lane;  // neighbouring planes that a lane takes at once; 1 where a tile is a part of a plane
  int height, width;    // of src
  int out_height, out_width;
  int kernel_h, kernel_w;
  int stride_h, stride_w;
  int pad_h, pad_w;
  int src_plane, dst_plane;  // words of a plane
  int src_lane, dst_lane;    // words from a lane's planes to the next lane's
  int taps_w;                // columns of taps: forward kernel_w, backward ceil(kernel_w / stride_w)
  int method;
} pooling_problem;
INTERFACE_WORDS(pooling_problem, 18);

// A part of a plane, the same for all planes. `runs` of `run` words that lie apart are one run where they lie together.
typedef struct {
  int source_offset, source_runs, source_run;  // words, from a plane's first
  int result_offset, result_runs, result_run;
  int source_words, result_words;            // of one run of all planes of a lane,
  int source_last_words, result_last_words;  // and of the planes of the last lane that has any
  int source_plane;                          // words on chip of a plane
  int rows, columns, results;                // of the result; results: of all planes of a lane
  int steps;               // columns and idle steps, so that a result is visited again after ACC_DISTANCE steps at the earliest
  int tap_begin, tap_end;  // rows of taps; all of them, unless the source of one row of results overfills the device
  int first, last;         // whether these rows are the first, or the last, that the tile's results see
  int load;                // 0: the source is that of the part before
  int choose;              // of a stochastic pooling: 0: windows are summed up, 1: an element of each is chosen
  int address;             // word of the loaded source that result 0 meets at the first tap; where that is padding, outside it
  int pitch;               // words between rows of the loaded source
  // Forward: row and column of src that result 0 meets at the first tap. Backward: the last output whose window begins at or before
  // result 0, and how far within that window result 0 lies.
  int row, column;
  int phase_row, phase_column;
} pooling_tile;
INTERFACE_WORDS(pooling_tile, 27);

typedef struct {
  int plane_begin, plane_end;
  int tile_begin, tile_end;
  int src_begin, dst_begin;  // words before the first plane
} pooling_range;
INTERFACE_WORDS(pooling_range, 6);

#endif  // BARISTA_POOLING_TILE_H_
