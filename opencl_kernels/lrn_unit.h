// The kernel of one compute unit of LRN; lrn.cl includes it by way of each_unit.h, once a unit. See there.

// Forward, first is src, and result is dst; powers and ratios are written. Backward, first is diff_dst, second what forward wrote to
// ratios, and result is diff_src; powers is read.
SINGLE_WORK_ITEM
__kernel void JOIN(lrn_, UNIT)(__global const storage* restrict first, __global const storage* restrict second,
                               __global const storage* restrict src, __global storage* restrict powers,
                               __global storage* restrict ratios, __global storage* restrict result, const lrn_problem p,
                               const lrn_range range) {
  __local storage16 x[ACC_WORDS];
  __local accumulate16 sums[ACC_WORDS];

  const bool backward = p.pass == LRN_BACKWARD;
  for (int item = range.begin; item < range.end; item++) {
    lrn_tile t;
    for (int tap_row = 0; tap_row < p.window_rows; tap_row += p.tap_rows) {
      t = lrn_tile_at(p, item, tap_row);
      lrn_load(first, second, p, t, x);
      lrn_window(x, sums, p, t, tap_row);
    }

    const lrn_runs r = lrn_runs_of(p, t.rows, t.columns);
    for (int run = 0; run < r.runs; run++)
      for (int word = 0; word < r.words; word += VECTOR) {
        storage16 block[VECTOR];
#pragma unroll 1
        for (int i = 0; i < VECTOR; i++) block[i] = word + i < r.words ? lrn_narrow(sums[run * r.words + word + i]) : (storage16)0;
        if (!p.across) transpose16(block);
#pragma unroll 1
        for (int i = 0; i < lrn_vectors(p, r, word); i++) {
          const size_t at = t.result_offset + lrn_offset(p, r, run, word, i);
          const int valid = lrn_valid(p, t, r, word, i);
          lrn_vector v;
          vstore16(load_vector(src + at, valid), 0, v.src);
          vstore16(block[i], 0, v.sum);
          if (backward) {
            vstore16(load_vector(first + at, valid), 0, v.diff);
            vstore16(load_vector(powers + at, valid), 0, v.power);
            lrn_backward_results(&v, p);
          } else {
            lrn_forward_results(&v, p);
            store_vector(vload16(0, v.power), powers + at, valid);
            store_vector(vload16(0, v.ratio), ratios + at, valid);
          }
          store_vector(vload16(0, v.result), result + at, valid);
        }
      }
  }
}
