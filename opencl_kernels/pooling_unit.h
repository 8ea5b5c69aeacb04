// The kernels of one compute unit of pooling; pooling.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(pooling_forward_, UNIT)(__global const storage* restrict src, __global storage* restrict dst,
                                           __global storage* restrict winners, __global const pooling_tile* restrict tiles,
                                           const pooling_problem p, const pooling_range range) {
  __local storage_lanes x[ACC_WORDS];
  __local accumulate_lanes sums[ACC_WORDS];
  __local accumulate_lanes others[ACC_WORDS];

  const bool wins = p.method == POOLING_MAXIMUM || p.method == POOLING_STOCHASTIC;
  int src_at = range.src_begin, dst_at = range.dst_begin;
  for (int plane = range.plane_begin; plane < range.plane_end; plane += LANES * p.planes_per_lane) {
    for (int i = range.tile_begin; i < range.tile_end; i++) {
      const pooling_tile t = tiles[i];
      const int planes_left = p.planes - plane;
      const pooling_run source = {p.src_lane, t.source_words, t.source_last_words};
      const pooling_run result = {p.dst_lane, t.result_words, t.result_last_words};

      int from = src_at + t.source_offset, word = 0;
      for (int run = 0; run < (t.load ? t.source_runs : 0); run++) {
        pooling_load(src + from, p, source, planes_left, x + word);
        from += p.width;
        word += t.source_run;
      }

      from = dst_at + t.result_offset;
      word = 0;
      for (int run = 0; run < (t.choose && t.first ? t.result_runs : 0); run++) {
        pooling_load_sums(winners + from, p, result, planes_left, others + word);
        from += p.out_width;
        word += t.result_run;
      }

      pooling_forward_tile(x, sums, others, p, t);
      if (p.method == POOLING_EXPECTED && t.last) pooling_expect(sums, others, t.results);

      int to = dst_at + t.result_offset;
      word = 0;
      for (int run = 0; run < (t.last ? t.result_runs : 0); run++) {
        pooling_store(sums + word, dst + to, p, result, planes_left);
        if (wins) pooling_store(others + word, winners + to, p, result, planes_left);
        to += p.out_width;
        word += t.result_run;
      }
    }
    src_at += LANES * p.src_lane;
    dst_at += LANES * p.dst_lane;
  }
}

SINGLE_WORK_ITEM
__kernel void JOIN(pooling_backward_, UNIT)(__global const storage* restrict diff_dst, __global const storage* restrict winners,
                                            __global storage* restrict diff_src, __global const pooling_tile* restrict tiles,
                                            const pooling_problem p, const pooling_range range) {
  __local storage_lanes x[ACC_WORDS];
  __local accumulate_lanes sums[ACC_WORDS];
  __local storage_lanes best[ACC_WORDS];

  int src_at = range.src_begin, dst_at = range.dst_begin;
  for (int plane = range.plane_begin; plane < range.plane_end; plane += LANES * p.planes_per_lane) {
    for (int i = range.tile_begin; i < range.tile_end; i++) {
      const pooling_tile t = tiles[i];
      const int planes_left = p.planes - plane;
      const pooling_run source = {p.dst_lane, t.source_words, t.source_last_words};
      const pooling_run result = {p.src_lane, t.result_words, t.result_last_words};

      int from = dst_at + t.source_offset, word = 0;
      for (int run = 0; run < t.source_runs; run++) {
        pooling_load(diff_dst + from, p, source, planes_left, x + word);
        if (p.method != POOLING_AVERAGE) pooling_load(winners + from, p, source, planes_left, best + word);
        from += p.out_width;
        word += t.source_run;
      }

      pooling_backward_tile(x, best, sums, p, t);

      int to = src_at + t.result_offset;
      word = 0;
      for (int run = 0; run < (t.last ? t.result_runs : 0); run++) {
        pooling_store(sums + word, diff_src + to, p, result, planes_left);
        to += p.width;
        word += t.result_run;
      }
    }
    src_at += LANES * p.src_lane;
    dst_at += LANES * p.dst_lane;
  }
}
