// The kernel of one compute unit of a solver's step; solver_update.cl includes it by way of each_unit.h, once a unit. See there.
SINGLE_WORK_ITEM
__kernel void JOIN(solver_update_, UNIT)(__global storage* weights, __global storage* diff_weights, __global storage* first,
                                         __global storage* second, __global const float* norm, const solver_rule rule,
                                         const unit_range elements) {
  const accumulate scale = solver_scale(rule, norm);
  const bool has_second = solver_has_second(rule.method);
#pragma ivdep
  for (int i = elements.begin; i < elements.end; i += FUNCTION_LANES) {
    STEP;
    const int valid = elements.end - i;
    const function_numbers w = to_function_numbers(load_functions(weights + i, valid));
    const function_numbers one = 1, zero = 0;
    const function_numbers sign = w > zero ? one : (w < zero ? -one : zero);
    const function_numbers g = scale * solver_operand(scale, to_function_numbers(load_functions(diff_weights + i, valid))) +
                               rule.decay * solver_operand(rule.decay, rule.absolute ? sign : w);
    function_numbers h = to_function_numbers(load_functions(first + i, valid)), k = zero;
    if (has_second) k = to_function_numbers(load_functions(second + i, valid));
    const function_numbers step = solver_step(rule, g, &h, &k);
    store_functions(to_function_words(w - step), weights + i, valid);
    store_functions(to_function_words(step), diff_weights + i, valid);
    store_functions(to_function_words(h), first + i, valid);
    if (has_second) store_functions(to_function_words(k), second + i, valid);
  }
}
