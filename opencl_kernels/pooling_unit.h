// The kernels of one compute unit of pooling; pooling.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(pooling_forward_, UNIT)(__global const storage* restrict src, __global storage* restrict dst,
                                           __global storage* restrict winners, __global const pooling_tile* restrict tiles,
                                           const pooling_problem p, const pooling_range range) {
  __local storage16 x[ACC_WORDS];
  __local accumulate16 sums[ACC_WORDS];
  __local accumulate16 others[ACC_WORDS];

  const bool wins = p.method == POOLING_MAXIMUM || p.method == POOLING_STOCHASTIC;
  const size_t src_plane = (size_t)p.height * p.width, dst_plane = (size_t)p.out_height * p.out_width;
  for (int plane = range.plane_begin; plane < range.plane_end; plane += VECTOR * p.planes_per_lane)
    for (int i = range.tile_begin; i < range.tile_end; i++) {
      const pooling_tile t = tiles[i];
      const int planes_left = p.planes - plane;

      for (int run = 0; run < (t.load ? t.source_runs : 0); run++)
        pooling_load(src + plane * src_plane + t.source_offset + run * p.width, p.planes_per_lane * src_plane, planes_left, p,
                     t.source_run, x + run * t.source_run);

      for (int run = 0; run < (t.choose && t.first ? t.result_runs : 0); run++)
        pooling_load_sums(winners + plane * dst_plane + t.result_offset + run * p.out_width, p.planes_per_lane * dst_plane,
                          planes_left, p, t.result_run, others + run * t.result_run);

      pooling_forward_tile(x, sums, others, p, t);
      if (p.method == POOLING_EXPECTED && t.last) pooling_expect(sums, others, p.planes_per_lane * t.rows * t.columns);

      for (int run = 0; run < (t.last ? t.result_runs : 0); run++) {
        const size_t result = plane * dst_plane + t.result_offset + run * p.out_width;
        pooling_store(sums + run * t.result_run, dst + result, p.planes_per_lane * dst_plane, planes_left, p, t.result_run);
        if (wins)
          pooling_store(others + run * t.result_run, winners + result, p.planes_per_lane * dst_plane, planes_left, p, t.result_run);
      }
    }
}

SINGLE_WORK_ITEM
__kernel void JOIN(pooling_backward_, UNIT)(__global const storage* restrict diff_dst, __global const storage* restrict winners,
                                            __global storage* restrict diff_src, __global const pooling_tile* restrict tiles,
                                            const pooling_problem p, const pooling_range range) {
  __local storage16 x[ACC_WORDS];
  __local accumulate16 sums[ACC_WORDS];
  __local storage16 best[ACC_WORDS];

  const size_t src_plane = (size_t)p.height * p.width, dst_plane = (size_t)p.out_height * p.out_width;
  for (int plane = range.plane_begin; plane < range.plane_end; plane += VECTOR * p.planes_per_lane)
    for (int i = range.tile_begin; i < range.tile_end; i++) {
      const pooling_tile t = tiles[i];
      const int planes_left = p.planes - plane;

      for (int run = 0; run < t.source_runs; run++) {
        const size_t source = plane * dst_plane + t.source_offset + run * p.out_width;
        pooling_load(diff_dst + source, p.planes_per_lane * dst_plane, planes_left, p, t.source_run, x + run * t.source_run);
        if (p.method != POOLING_AVERAGE)
          pooling_load(winners + source, p.planes_per_lane * dst_plane, planes_left, p, t.source_run, best + run * t.source_run);
      }

      pooling_backward_tile(x, best, sums, p, t);

      for (int run = 0; run < (t.last ? t.result_runs : 0); run++)
        pooling_store(sums + run * t.result_run, diff_src + plane * src_plane + t.result_offset + run * p.width,
                      p.planes_per_lane * src_plane, planes_left, p, t.result_run);
    }
}
