// The kernel of one compute unit of LRN; lrn.cl includes it by way of each_unit.h, once a unit. See there.

// Forward, first is src, and result is dst; powers and ratios are written. Backward, first is diff_dst, second what forward wrote to
// ratios, and result is diff_src; powers is read.
SINGLE_WORK_ITEM
__kernel void JOIN(lrn_, UNIT)(__global const storage* restrict first, __global const storage* restrict second,
                               __global const storage* restrict src, __global storage* restrict powers,
                               __global storage* restrict ratios, __global storage* restrict result, const lrn_problem p,
                               const lrn_range range) {
  __local storage_lanes x[ACC_WORDS];
  __local accumulate_lanes sums[ACC_WORDS];

  const bool backward = p.pass == LRN_BACKWARD;
  lrn_position position = {range.word, range.lanes, range.row, range.column};
  for (int item = range.begin; item < range.end; item++) {
    lrn_tile t;
    for (int tap_row = 0; tap_row < p.window_rows; tap_row += p.tap_rows) {
      t = lrn_tile_at(p, position, tap_row);
      lrn_load(first, second, p, t, x);
      lrn_window(x, sums, p, t, tap_row);
    }

    const lrn_runs r = lrn_runs_of(p, t.rows, t.columns);
    int run_begin = t.result_offset, run_address = 0;
    for (int run = 0; run < r.runs; run++) {
      int begin = run_begin;
      for (int word = 0; word < r.words; word += LANES) {
        storage_lanes block[LANES];
#pragma unroll 1
        for (int i = 0; i < LANES; i++) {
          STEP;
          block[i] = word + i < r.words ? to_storage_lanes(sums[run_address + word + i]) : (storage_lanes)0;
        }
        if (!p.across) turn_lanes(block);
        int at = begin;
#pragma unroll 1
        for (int i = 0; i < lrn_vectors(p, r, word); i++) {
          const int valid = lrn_valid(p, t, r, word, i);
          lrn_vector v;
          vstore_lanes(load_lanes(src + at, valid), 0, v.src);
          vstore_lanes(block[i], 0, v.sum);
          if (backward) {
            vstore_lanes(load_lanes(first + at, valid), 0, v.diff);
            vstore_lanes(load_lanes(powers + at, valid), 0, v.power);
            lrn_backward_results(&v, p);
          } else {
            lrn_forward_results(&v, p);
            store_lanes(vload_lanes(0, v.power), powers + at, valid);
            store_lanes(vload_lanes(0, v.ratio), ratios + at, valid);
          }
          store_lanes(vload_lanes(0, v.result), result + at, valid);
          at += r.vector_stride;
        }
        begin += r.block_stride;
      }
      run_begin += r.run_stride;
      run_address += r.words;
    }
    position = lrn_next(position, p);
  }
}
