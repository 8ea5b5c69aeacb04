// The kernels of one compute unit of the elementwise functions; elementwise.cl includes it by way of each_unit.h, once a unit. See there.

// Planes matter to functions with a slope a channel only; all others take their elements as one plane.
SINGLE_WORK_ITEM
__kernel void JOIN(elementwise_, UNIT)(__global const storage* a, __global const storage* b, __global const storage* c,
                                       __global const storage* slopes, __global storage* out, const elementwise_function f,
                                       const elementwise_range range) {
  int current = range.plane_begin % range.channels, base = range.base;
#pragma ivdep
  for (int plane = range.plane_begin; plane < range.plane_end; plane++) {
    accumulate slope = f.slope;
    if (f.reads & ELEMENTWISE_READS_SLOPES) slope = load_element(slopes + current);
#pragma ivdep
    for (int i = range.begin; i < range.end; i += LANES) {
      STEP;
      const int at = base + i;
      const int valid = range.end - i;
      const accumulate_lanes value =
          elementwise_arithmetic(f, elementwise_load(a + at, valid, f.reads & ELEMENTWISE_READS_A),
                                 elementwise_load(b + at, valid, f.reads & ELEMENTWISE_READS_B),
                                 elementwise_load(c + at, valid, f.reads & ELEMENTWISE_READS_C), slope, (uint)i / LANES);
      store_lanes(to_storage_lanes(value), out + at, valid);
    }
    base += range.plane_elements;
    current = current + 1 == range.channels ? 0 : current + 1;
  }
}

SINGLE_WORK_ITEM
__kernel void JOIN(transcendental_, UNIT)(__global const storage* a, __global const storage* b, __global const storage* c,
                                          __global storage* out, const elementwise_function f, const elementwise_range range) {
#pragma ivdep
  for (int i = range.begin; i < range.end; i += FUNCTION_LANES) {
    STEP;
    const int valid = range.end - i;
    const function_numbers value = elementwise_transcendental(f, transcendental_load(a + i, valid, f.reads & ELEMENTWISE_READS_A),
                                                              transcendental_load(b + i, valid, f.reads & ELEMENTWISE_READS_B),
                                                              transcendental_load(c + i, valid, f.reads & ELEMENTWISE_READS_C));
    store_functions(to_function_words(value), out + i, valid);
  }
}
