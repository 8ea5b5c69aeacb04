// What the host tells the PE array: which words its loaders fetch, and the loop nest that the array runs over them.
//
// Plain C, compiled by kernels and host.
// The terms are defined in docs/pe-array.md. Names: a *lane* is one input channel at one folded kernel position, a *window* is
// the kernel positions that are not folded, a *column* is an output channel, a *group* of images is what the array's rows (or, in the
// weights pass, its depth) hold at once.
#ifndef BARISTA_MULTIPLY_DESCRIPTOR_H_
#define BARISTA_MULTIPLY_DESCRIPTOR_H_

#include "interface/words.h"

#define MULTIPLY_LOOPS 7

// How weights lie: packed as [group][column tile][window][lane][vectors * 16], all there; or as they are, [group][row][column] or
// [group][column][row], a row for each channel and tap.
enum { MULTIPLY_PACKED, MULTIPLY_ROWS, MULTIPLY_COLUMNS };

typedef struct {
  int weights_pass;  // 0: acc is an output tile; 1: acc is a tile of weight gradients

  // Source of x: [images][channels][height][width], `image_stride` floats an image, of which the first `image_floats` exist.
  int images, image_stride, image_floats;
  int height, width;
  int group_channels;                // input channels a group of the convolution
  int fold_h, fold_w;                // lanes a channel = fold_h * fold_w
  int lane_step_h, lane_step_w;      // source rows and columns between neighbouring folds
  int origin_h, origin_w;            // source row and column of output 0, fold 0, window 0; negative inside the padding
  int output_step_h, output_step_w;  // source rows and columns between neighbouring outputs
  int row_step, column_step;         // source rows and columns between neighbouring rows and words of a tile

  // The tile of x in one bank: [lane group][image group][tile_rows][tile_width].
  int tile_rows, tile_width;
  int lane_blocks, lanes;  // `lanes` in each of `lane_blocks` blocks; a multiple of the array's lane count
  int lane_groups;         // groups of as many lanes as the array takes, in a block
  int image_groups;        // groups of images in a tile

  // The tile of outputs (forward) or of diff_dst (weights pass): [image_groups][rows][columns].
  int rows, columns;
  int output_height, output_width;
  int vectors;        // vectors of 16 columns in a column tile; as many as whole words of vec and acc hold
  int window;         // kernel positions in the window
  int group_columns;  // output channels a group of the convolution
  int parts;          // weights pass: partial sums kept apart, added when stored

  // dst (forward) or diff_dst (weights pass): `output_image` floats between images and `plane` between channels, written or read at
  // plane_origin + row * plane_row_step + column * plane_column_step.
  int output_image, plane, plane_origin, plane_row_step, plane_column_step;
  int rows_contiguous;  // 1 where a tile's rows follow each other without a gap in the plane

  // Weights or their gradients: floats between groups, column tiles, window positions and lanes. Where they are not packed there are
  // `weights_rows` rows of `group_columns` a group; the last lane, and the last vector of a column tile, may be short.
  int weights;        // MULTIPLY_PACKED ...
  int weights_start;  // of the first group, in floats
  int weights_group, weights_tile, weights_window, weights_lane, weights_rows;

  // The loop nest, outermost first; unused loops come first with count 1. The innermost never moves vec.
  int count[MULTIPLY_LOOPS];
  int x_stride[MULTIPLY_LOOPS];
  int acc_stride[MULTIPLY_LOOPS];
  int vec_stride[MULTIPLY_LOOPS];
  int acc_vector, vec_vector;  // words between neighbouring columns of a column tile, as many as the array has, in acc and in vec
} multiply_descriptor;
INTERFACE_WORDS(multiply_descriptor, 74);

// A part of the work: half-open ranges of groups of the convolution, column tiles, and tiles of images, rows and columns.
typedef struct {
  int group_begin, group_end;
  int column_begin, column_end;
  int image_begin, image_end;
  int row_begin, row_end;
  int width_begin, width_end;
  int dst_offset;  // floats; the weights pass writes its partial gradient there
} multiply_range;
INTERFACE_WORDS(multiply_range, 11);

// A launch does several of these, one after the other.
typedef struct {
  multiply_descriptor descriptor;
  multiply_range range;
} multiply_job;
INTERFACE_WORDS(multiply_job, 85);

// What a launch does to each number before it stores it, in this order: its post-ops, and whether it adds.
typedef struct {
  int scales;     // multiplies it by its output channel's scale
  int offsets;    // adds its output channel's offset
  int rectifies;  // takes 0 for what is below
  int adds;       // weights pass: adds to a raw gradient what it finds
} multiply_store;
INTERFACE_WORDS(multiply_store, 4);

#endif  // BARISTA_MULTIPLY_DESCRIPTOR_H_
