// How raw weights lie in the packed ones that the PE array reads and writes. Plain C, compiled by kernels and host.
//
//   raw[g * group + o * column + l * outer + e]
//     <->  packed[packed_start + g * packed_group + tile * packed_tile + word * tile_columns + lane]
//
// for group g, output channel o (= tile * tile_columns + lane), outer step l and element e. Elements run over channels, then kernel
// rows, then kernel columns; word = channel * channel_words + taps[first_tap + row] + taps[first_tap + taps_h + column], and a tap of -1 has no
// word.
#ifndef BARISTA_WEIGHTS_LAYOUT_H_
#define BARISTA_WEIGHTS_LAYOUT_H_

#include "interface/words.h"

typedef struct {
  int groups, columns;       // output channels a group
  int group, column, outer;  // strides in raw, floats
  int outer_count, element_count;
  int taps_h, taps_w;
  int channel_words;              // lanes a channel
  int vectors;                    // vectors of 16 columns a tile; tile_columns = 16 * vectors
  int packed_group, packed_tile;  // floats
  int partials, partial_floats;   // partial gradients that follow each other, and floats of one
  int first_tap, packed_start;    // where its taps and its packed weights begin
  int first_vector, end_vector;   // its vectors of 16 output channels, counted over all layouts of one buffer
} weights_layout;
INTERFACE_WORDS(weights_layout, 19);

// The sums of diff_dst [images][outputs][plane], and whether they are added to what there is.
typedef struct {
  int images, outputs, plane, adds;
} bias_sums;
INTERFACE_WORDS(bias_sums, 4);

#endif  // BARISTA_WEIGHTS_LAYOUT_H_
