// The kernel of one compute unit of a solver's step; solver_update.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(solver_update_, UNIT)(__global storage* weights, __global storage* diff_weights, __global storage* first,
                                         __global storage* second, __global const float* norm, const solver_rule rule,
                                         const int begin, const int end) {
  const accumulate scale = solver_scale(rule, norm);
  const bool has_second = solver_has_second(rule.method);
#pragma ivdep
  for (int i = begin; i < end; i += SOLVER_LANES) {
    const int valid = end - i;
    const accumulate8 w = solver_load(weights + i, valid);
    const accumulate8 one = 1, zero = 0;
    const accumulate8 sign = w > zero ? one : (w < zero ? -one : zero);
    const accumulate8 g = scale * solver_load(diff_weights + i, valid) + rule.decay * (rule.absolute ? sign : w);
    accumulate8 h = solver_load(first + i, valid), k = zero;
    if (has_second) k = solver_load(second + i, valid);
    const accumulate8 step = solver_step(rule, g, &h, &k);
    solver_store(w - step, weights + i, valid);
    solver_store(step, diff_weights + i, valid);
    solver_store(h, first + i, valid);
    if (has_second) solver_store(k, second + i, valid);
  }
}
