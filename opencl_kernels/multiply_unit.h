// The body of one compute unit of the multiply grid; multiply.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(multiply_, UNIT)(__global const storage* restrict src, __global const storage* restrict operand,
                                    __global const storage* restrict scale, __global const storage* restrict offset,
                                    __global storage* restrict dst, __global const multiply_job* restrict jobs, const int job_begin,
                                    const int job_end, const multiply_store stores) {
  __local storage x[PE_DEPTH][PE_ROWS][X_WORDS];
  __local storage16 vec[VEC_WORDS][PE_DEPTH][GRID_VECTORS];
  __local accumulate16 acc[ACC_WORDS][PE_ROWS][GRID_VECTORS];

  for (int job = job_begin; job < job_end; job++) {
    const multiply_descriptor d = jobs[job].descriptor;
    const multiply_range range = jobs[job].range;
    const int lane_banks = d.weights_pass ? PE_ROWS : PE_DEPTH;
    const int image_banks = d.weights_pass ? PE_DEPTH : PE_ROWS;
    const int tile_plane = d.tile_rows * d.tile_width;
    const int tile_pixels = d.rows * d.columns;
    const int tile_columns = d.vectors * VECTOR;
    const int acc_used = word_of(d.vectors, d.acc_vector) * (d.weights_pass ? d.parts : 1);

    for (int group = range.group_begin; group < range.group_end; group++)
      for (int column_tile = range.column_begin; column_tile < range.column_end; column_tile++) {
        const int first_column = column_tile * tile_columns;
        const int first_output = group * d.group_columns + first_column;
        const int columns_left = d.group_columns - first_column;
        const size_t weights = d.weights_start + (size_t)group * d.weights_group + (size_t)column_tile * d.weights_tile;
        lane_position block_start = {0, 0, 0};

        // Weights pass: one block of lanes at a time over all tiles. Forward: all blocks within a tile.
        for (int outer_block = 0; outer_block < (d.weights_pass ? d.lane_blocks : 1); outer_block++) {
          lane_position lane_at = block_start;
          bool first_tile = true;

          for (int image_tile = range.image_begin; image_tile < range.image_end; image_tile++)
            for (int row_tile = range.row_begin; row_tile < range.row_end; row_tile++)
              for (int width_tile = range.width_begin; width_tile < range.width_end; width_tile++) {
                const int first_image = image_tile * d.image_groups * image_banks;
                const int output_row = row_tile * d.rows;
                const int output_column = width_tile * d.columns;
                const int rows = min(d.rows, d.output_height - output_row);
                const int columns = min(d.columns, d.output_width - output_column);
                const int runs = d.rows_contiguous ? 1 : rows;
                const int run_length = d.rows_contiguous ? rows * columns : columns;
                const int plane_start = d.plane_origin + output_row * d.plane_row_step + output_column * d.plane_column_step;
                lane_at = block_start;

                // Clear acc.
                if (!d.weights_pass || first_tile)
                  for (int i = 0; i < PE_ROWS; i++)
                    for (int a = 0; a < acc_used; a++)
#pragma unroll
                      for (int v = 0; v < GRID_VECTORS; v++) acc[a][i][v] = 0;

                for (int inner_block = 0; inner_block < (d.weights_pass ? 1 : d.lane_blocks); inner_block++) {
                  // Load vec: weights, unless the last tile's are still right, or diff_dst.
                  const bool stays = !d.weights_pass && !first_tile && d.lane_blocks == 1;
                  if (!stays && !d.weights_pass && d.weights != MULTIPLY_COLUMNS) {
                    // 16 columns lie side by side.
                    const int first_lane = inner_block * d.lanes * d.weights_lane;
                    int word = 0;
                    for (int w = 0; w < d.window; w++) {
                      int k = 0, row = first_lane + w * d.weights_window;
                      for (int l = 0; l < d.lanes; l++) {
                        for (int j = 0; j < d.vectors; j++) {
                          const int valid = weights_valid(d, row, columns_left - j * VECTOR);
                          vec[word + word_of(j, d.vec_vector)][k][bank_of(j)] =
                              load_vector(operand + weights + (valid > 0 ? row : 0) + j * VECTOR, valid);
                        }
                        row += d.weights_lane;
                        if (++k == PE_DEPTH) {
                          k = 0;
                          word++;
                        }
                      }
                    }
                  } else if (!stays && d.weights_pass && d.plane == 1) {
                    // So do they where an image is one pixel. A tile of several has nothing at the others.
                    for (int k = 0; k < PE_DEPTH; k++)
                      for (int g = 0; g < d.image_groups; g++) {
                        const int image = first_image + g * PE_DEPTH + k;
                        for (int j = 0; j < d.vectors; j++) {
                          const int wanted = image < d.images ? min(VECTOR, columns_left - j * VECTOR) : 0;
                          const int base = word_of(j, d.vec_vector) + g * tile_pixels;
                          vec[base][k][bank_of(j)] = load_vector(operand + (size_t)image * d.output_image + first_output + j * VECTOR, wanted);
                          for (int p = 1; p < tile_pixels; p++) vec[base + p][k][bank_of(j)] = 0;
                        }
                      }
                  } else if (!stays) {
                    // Each column's words lie side by side, in `runs` of them: an image's pixels, or a lane's window. 16 columns are read 16
                    // words at a time, and turned.
                    const int groups = d.weights_pass ? d.image_groups : d.lane_groups;
                    const int tile_runs = d.weights_pass && !d.rows_contiguous ? d.rows : 1;
                    const int length = d.weights_pass ? (d.rows_contiguous ? tile_pixels : d.columns) : d.window;
                    const int group_words = d.weights_pass ? tile_pixels : 1, step = d.weights_pass ? 1 : groups;
                    const int apart = d.weights_pass ? d.plane : d.weights_rows;
                    const size_t first_word = d.weights_pass ? (size_t)first_output * d.plane + plane_start : weights;
                    for (int k = 0; k < PE_DEPTH; k++)
                      for (int g = 0; g < groups; g++) {
                        const int item = (d.weights_pass ? first_image : inner_block * d.lanes) + g * PE_DEPTH + k;
                        const int begin = d.weights_pass ? 0 : item * d.window;  // of a lane, in its column
                        const bool exists = d.weights_pass ? item < d.images : begin < d.weights_rows;
                        const int there = d.weights_pass ? run_length : min(d.window, d.weights_rows - begin);
                        __global const storage* restrict from =
                            operand + first_word + (d.weights_pass ? (size_t)item * d.output_image : (size_t)begin);
                        for (int j = 0; j < d.vectors; j++) {
                          const int wanted = exists ? min(VECTOR, columns_left - j * VECTOR) : 0;
                          int word = word_of(j, d.vec_vector) + g * group_words;
                          for (int r = 0; r < tile_runs; r++)
                            for (int p = 0; p < length; p += VECTOR) {
                              storage16 block[VECTOR];
#pragma unroll
                              for (int c = 0; c < VECTOR; c++)
                                block[c] =
                                    c < wanted && r < runs
                                        ? load_vector(from + (size_t)(j * VECTOR + c) * apart + r * d.plane_row_step + p, there - p)
                                        : (storage16)0;
                              transpose16(block);
#pragma unroll
                              for (int c = 0; c < VECTOR; c++)
                                if (p + c < length) vec[word + c * step][k][bank_of(j)] = block[c];
                              word += min(VECTOR, length - p) * step;
                            }
                        }
                      }
                  }

                  // Load x.
                  int bank = 0, plane = 0;
                  for (int l = 0; l < d.lanes; l++) {
                    const int input = group * d.group_channels + lane_at.input;
                    const size_t input_start = (size_t)input * d.height * d.width;
                    const int first_row = output_row * d.output_step_h + lane_at.fold_h * d.lane_step_h + d.origin_h;
                    const int first_word = output_column * d.output_step_w + lane_at.fold_w * d.lane_step_w + d.origin_w;
                    int word = plane;
                    // Lanes that fill up the last group are zeros, and stay so.
                    const bool zero = lane_at.input >= d.group_channels && !first_tile && d.lane_blocks == 1;
                    for (int g = 0; g < (zero ? 0 : d.image_groups); g++) {
                      for (int i = 0; i < image_banks; i++) {
                        const int image = first_image + g * image_banks + i;
                        const bool exists = image < d.images && lane_at.input < d.group_channels;
                        load_plane(src + (exists ? (size_t)image * d.image_stride + input_start : 0),
                                   exists ? d.image_floats - (int)input_start : 0, first_row, first_word, d, exists,
                                   (d.weights_pass ? &x[i][bank][0] : &x[bank][i][0]) + word);
                      }
                      word += tile_plane;
                    }
                    lane_at = next_lane(lane_at, d.fold_h, d.fold_w);
                    if (++bank == lane_banks) {
                      bank = 0;
                      plane += d.image_groups * tile_plane;
                    }
                  }

                  // Multiply.
                  int x0 = 0, a0 = 0, v0 = 0;
#pragma ivdep array(acc) safelen(ACC_DISTANCE)
#pragma loop_coalesce 7
                  for (int i0 = 0; i0 < d.count[0]; i0++) {
                    int x1 = x0, a1 = a0, v1 = v0;
                    for (int i1 = 0; i1 < d.count[1]; i1++) {
                      int x2 = x1, a2 = a1, v2 = v1;
                      for (int i2 = 0; i2 < d.count[2]; i2++) {
                        int x3 = x2, a3 = a2, v3 = v2;
                        for (int i3 = 0; i3 < d.count[3]; i3++) {
                          int x4 = x3, a4 = a3, v4 = v3;
                          for (int i4 = 0; i4 < d.count[4]; i4++) {
                            int x5 = x4, a5 = a4, v5 = v4;
                            for (int i5 = 0; i5 < d.count[5]; i5++) {
                              int x6 = x5, a6 = a5;
                              for (int i6 = 0; i6 < d.count[6]; i6++) {
                                storage16 w[PE_DEPTH][GRID_VECTORS];
#pragma unroll
                                for (int k = 0; k < PE_DEPTH; k++)
#pragma unroll
                                  for (int v = 0; v < GRID_VECTORS; v++) w[k][v] = vec[v5][k][v];
#pragma unroll
                                for (int i = 0; i < PE_ROWS; i++) {
                                  accumulate16 sum[GRID_VECTORS];
#pragma unroll
                                  for (int v = 0; v < GRID_VECTORS; v++) sum[v] = acc[a6][i][v];
#pragma unroll
                                  for (int k = 0; k < PE_DEPTH; k++)
#pragma unroll
                                    for (int v = 0; v < GRID_VECTORS; v++)
                                      sum[v] = fma((accumulate16)(x[k][i][x6]), w[k][v], sum[v]);
#pragma unroll
                                  for (int v = 0; v < GRID_VECTORS; v++) acc[a6][i][v] = sum[v];
                                }
                                x6 += d.x_stride[6];
                                a6 += d.acc_stride[6];
                              }
                              x5 += d.x_stride[5];
                              a5 += d.acc_stride[5];
                              v5 += d.vec_stride[5];
                            }
                            x4 += d.x_stride[4];
                            a4 += d.acc_stride[4];
                            v4 += d.vec_stride[4];
                          }
                          x3 += d.x_stride[3];
                          a3 += d.acc_stride[3];
                          v3 += d.vec_stride[3];
                        }
                        x2 += d.x_stride[2];
                        a2 += d.acc_stride[2];
                        v2 += d.vec_stride[2];
                      }
                      x1 += d.x_stride[1];
                      a1 += d.acc_stride[1];
                      v1 += d.vec_stride[1];
                    }
                    x0 += d.x_stride[0];
                    a0 += d.acc_stride[0];
                    v0 += d.vec_stride[0];
                  }
                }
                first_tile = false;

                // Store an output tile.
                if (!d.weights_pass)
                  for (int g = 0; g < d.image_groups; g++)
                    for (int i = 0; i < PE_ROWS; i++) {
                      const int image = first_image + g * PE_ROWS + i;
                      for (int j = 0; j < d.vectors; j++) {
                        const int wanted = image < d.images ? min(VECTOR, columns_left - j * VECTOR) : 0;
                        const size_t output = (size_t)image * d.output_image + (size_t)(first_output + j * VECTOR) * d.plane;
                        __global storage* restrict to = dst + output + plane_start;
                        const int base = word_of(j, d.acc_vector) + g * tile_pixels;
                        // The offset is added last, for it may be larger than all that it is added to.
                        const int first = first_output + j * VECTOR, there = columns_left - j * VECTOR;
                        const accumulate16 factor = stores.scales ? load_vector(scale + first, there) : (storage16)1;
                        const accumulate16 term = stores.offsets ? load_vector(offset + first, there) : (storage16)0;
                        for (int r = 0; r < (wanted > 0 ? runs : 0); r++)
                          for (int p = 0; p < run_length; p += VECTOR) {
                            storage16 block[VECTOR];
#pragma unroll 1
                            for (int c = 0; c < VECTOR; c++)
                              block[c] = p + c < run_length
                                             ? stored(acc[base + r * d.columns + p + c][i][bank_of(j)], factor, term, stores.rectifies)
                                             : (storage16)0;
                            if (d.plane == 1) {
                              store_vector(block[0], to, wanted);
                            } else {
                              transpose16(block);
                              const int row_start = r * d.plane_row_step, run_start = p * d.plane_column_step;
#pragma unroll
                              for (int c = 0; c < VECTOR; c++)
                                if (c < wanted) {
                                  __global storage* restrict row = to + (size_t)c * d.plane + row_start;
                                  if (d.plane_column_step == 1) {
                                    store_vector(block[c], row + p, run_length - p);
                                  } else {
                                    storage single[VECTOR];
                                    vstore16(block[c], 0, single);
                                    int column = run_start;
#pragma unroll
                                    for (int e = 0; e < VECTOR; e++) {
                                      if (p + e < run_length) row[column] = single[e];
                                      column += d.plane_column_step;
                                    }
                                  }
                                }
                            }
                          }
                      }
                    }
              }
          block_start = lane_at;

          // Store a tile of weight gradients, its parts added in order.
          if (d.weights_pass) {
            const int part_words = word_of(d.vectors, d.acc_vector);
            __global storage* restrict to = dst + range.dst_offset + weights;
            int word = 0;
            for (int w = 0; w < d.window; w++) {
              int i = 0, row = outer_block * d.lanes * d.weights_lane + w * d.weights_window;
              for (int l = 0; l < d.lanes; l++) {
                // No two rows or vectors overlap: what is added to was not stored here.
#pragma ivdep array(dst)
                for (int j = 0; j < d.vectors; j++) {
                  accumulate16 sum = 0;
                  for (int part = 0; part < d.parts; part++) sum += acc[part * part_words + word_of(j, d.acc_vector) + word][i][bank_of(j)];
                  const int valid = weights_valid(d, row, columns_left - j * VECTOR);
                  __global storage* restrict at = to + (valid > 0 ? row : 0) + j * VECTOR;
                  if (stores.adds) sum += load_vector(at, valid);
                  store_vector(sum, at, valid);
                }
                row += d.weights_lane;
                if (++i == PE_ROWS) {
                  i = 0;
                  word++;
                }
              }
            }
          }
        }
      }
  }
}
