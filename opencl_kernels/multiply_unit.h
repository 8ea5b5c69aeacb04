// The body of one compute unit of the PE array; multiply.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(multiply_, UNIT)(__global const storage* restrict src, __global const storage* restrict operand,
                                    __global const storage* restrict scale, __global const storage* restrict offset,
                                    __global storage* restrict dst, __global const multiply_job* restrict jobs, const int job_begin,
                                    const int job_end, const multiply_store stores) {
  __local storage x[2][PE_DEPTH][PE_ROWS][X_WORDS];
  __local storage16 vec[VEC_WORDS][PE_DEPTH][GRID_VECTORS];
  __local accumulate16 acc[ACC_WORDS][PE_ROWS][GRID_VECTORS];

  for (int job = job_begin; job < job_end; job++) {
    const multiply_descriptor d = jobs[job].descriptor;
    const multiply_range range = jobs[job].range;
    const int visits = count_visits(d, range);
    const int acc_used = word_of(d.vectors, d.acc_vector) * (d.weights_pass ? d.parts : 1);
    const int image_banks = d.weights_pass ? PE_DEPTH : PE_ROWS, lane_banks = d.weights_pass ? PE_ROWS : PE_DEPTH;
    visit now = first_visit(range), next = now;
    lane_position lane = {0, 0, 0}, block_start = lane;

    // While the array goes over one half of x, the tile of its next visit is loaded into the other. Before the first visit comes a load
    // alone.
    for (int number = -1; number < visits; number++) {
      const bool multiplies = number >= 0, loads = number + 1 < visits;
      const int half_read = number & 1, half_written = 1 - half_read;
      const tile t = tile_of(now, d);

      // Clear acc; load vec: weights, unless the last visit's are still right, or diff_dst.
      if (multiplies) {
        if (d.weights_pass ? is_first_tile(now, range) : now.inner_block == 0)
          for (int a = 0; a < acc_used; a++) {
            STEP;
#pragma unroll
            for (int i = 0; i < PE_ROWS; i++)
#pragma unroll
              for (int v = 0; v < GRID_VECTORS; v++) acc[a][i][v] = 0;
          }
        const bool stays = !d.weights_pass && d.lane_blocks <= 1 && !is_first_tile(now, range);
        if (!stays && !d.weights_pass && d.weights != MULTIPLY_COLUMNS)
          load_weights(operand, t, d, now.inner_block * d.lanes * d.weights_lane, vec);
        else if (!stays && d.weights_pass && d.plane == 1)
          load_pixels(operand, t, d, vec);
        else if (!stays)
          load_turned(operand, t, d, now.inner_block, vec);
      }

      // Multiply, and load the next tile of x: two loops that a compiler for FPGAs is told to make one of, in each cycle of which is a step of
      // the array and an access of the loader. The one reads and the other writes a half of x of its own, which ivdep says.
      const int steps = multiplies && d.lanes > 0 ? d.count[0] : 0, lanes = loads ? d.lanes : 0;
      const int next_image = next.image_tile * d.image_groups * image_banks;
      const int next_row = next.row_tile * d.rows * d.output_step_h + d.origin_h;
      const int next_column = next.width_tile * d.columns * d.output_step_w + d.origin_w;
      // Lanes that fill up the only block are zeros in both halves by then, and stay so.
      const bool fills_up = d.lane_blocks > 1 || number < 1;
      if (loads) lane = first_lane(next, range, lane, &block_start);
      int bank = 0, plane = 0, x0 = 0, a0 = 0, v0 = 0;
      FUSE_LOOPS {
#pragma ivdep array(acc) safelen(ACC_DISTANCE)
#pragma ivdep array(x)
#pragma loop_coalesce 7
        for (int i0 = 0; i0 < steps; i0++) {
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
                      FIRST_STEP;
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
                            sum[v] = fma((accumulate16)(x[half_read][k][i][x6]), w[k][v], sum[v]);
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
#pragma ivdep array(x)
#pragma loop_coalesce 5
        for (int l = 0; l < lanes; l++) {
          const int first = next_column + lane.fold_w * d.lane_step_w;
          const bool wanted = fills_up || lane.input < d.group_channels;
          int group_start = plane;
          for (int g = 0; g < (wanted ? d.image_groups : 0); g++) {
            for (int i = 0; i < image_banks; i++) {
              int word = group_start, row = next_row + lane.fold_h * d.lane_step_h;
              for (int r = 0; r < d.tile_rows; r++) {
                const source_row from = row_of(src, d, next_image + g * image_banks + i, next.group, lane.input, row);
                int column = first;
                for (int c = 0; c < d.tile_width; c += LOAD_WORDS) {
                  SECOND_STEP;
                  load_words(from, column, d.column_step,
                             &(d.weights_pass ? x[half_written][i][bank] : x[half_written][bank][i])[word + c]);
                  column += d.column_step * LOAD_WORDS;
                }
                word += d.tile_width;
                row += d.row_step;
              }
            }
            group_start += d.tile_rows * d.tile_width;
          }
          lane = next_lane(lane, d.fold_h, d.fold_w);
          if (++bank == lane_banks) {
            bank = 0;
            plane += d.image_groups * d.tile_rows * d.tile_width;
          }
        }
      }

      // Store outputs, or gradients, that are complete.
      if (multiplies) {
        if (!d.weights_pass && now.inner_block + 1 == inner_blocks(d)) store_outputs(acc, t, d, stores, scale, offset, dst);
        if (d.weights_pass && is_last_tile(now, range))
          store_gradients(acc, t, d, stores.adds, now.outer_block, dst + range.dst_offset);
      }
      now = next;
      if (loads) next = next_visit(next, d, range);
    }
  }
}
