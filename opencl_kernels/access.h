// Loads and stores of WIDTH words side by side, of which the last may not be there, and what a number is stored as. Included by common.h and
// lanes.h, once a width, with WIDTH and the functions' names LOAD, STORE and STORED set.

// The first `valid` words at `from`, zeros after them. The ragged case is a predicated load of single words.
inline JOIN(STORAGE, WIDTH) LOAD(__global const storage* restrict from, int valid) {
  LOADED(clamp(valid, 0, WIDTH));
  JOIN(STORAGE, WIDTH) value = 0;
  if (valid >= WIDTH) {
    value = JOIN(vload, WIDTH)(0, from);
  } else {
    storage single[WIDTH];
#pragma unroll
    for (int i = 0; i < WIDTH; i++) single[i] = i < valid ? from[i] : (storage)0;
    value = JOIN(vload, WIDTH)(0, single);
  }
  return value;
}

inline void STORE(JOIN(STORAGE, WIDTH) value, __global storage* restrict to, int valid) {
  WRITTEN(clamp(valid, 0, WIDTH));
  if (valid >= WIDTH) {
    JOIN(vstore, WIDTH)(value, 0, to);
  } else {
    storage single[WIDTH];
    JOIN(vstore, WIDTH)(value, 0, single);
#pragma unroll
    for (int i = 0; i < WIDTH; i++)
      if (i < valid) to[i] = single[i];
  }
}

// A result as it is stored, with its post-ops (multiply_store). Stock Caffe rectifies by
// max(value, 0) + 0 * min(value, 0): a NaN stays one, and minus infinity becomes one.
inline JOIN(STORAGE, WIDTH)
    STORED(JOIN(ACCUMULATE, WIDTH) sum, JOIN(ACCUMULATE, WIDTH) factor, JOIN(ACCUMULATE, WIDTH) term, int rectifies) {
  const JOIN(ACCUMULATE, WIDTH) value = sum * factor + term;
  const JOIN(ACCUMULATE, WIDTH) below = value == -INFINITY ? (JOIN(ACCUMULATE, WIDTH))NAN : (JOIN(ACCUMULATE, WIDTH))0;
  return JOIN(convert_, JOIN(STORAGE, WIDTH))(value < (rectifies ? 0 : -INFINITY) ? below : value);
}

#undef WIDTH
#undef LOAD
#undef STORE
#undef STORED
