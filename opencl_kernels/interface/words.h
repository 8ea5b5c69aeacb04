// The size of a structure that host and kernels hand each other, asserted wherever its header is compiled: by the host's compiler and by
// each device's.
//
// `words` counts its members, each array's elements among them. All are 32 bits wide (int, unsigned int, float, or such a structure), so
// a compiler that pads between any two of them, or that takes an int for another size, does not get past this line: where sizes are
// equal, so are offsets.
#ifndef BARISTA_INTERFACE_WORDS_H_
#define BARISTA_INTERFACE_WORDS_H_

#ifdef __cplusplus
#define INTERFACE_WORDS(type, words) \
  static_assert(sizeof(type) == 4 * (words), #type ": " #words " words of 32 bits, on either side")
#else  // OpenCL C has no static_assert; no array has a negative size
#define INTERFACE_WORDS(type, words) typedef char type##_is_of_another_size[sizeof(type) == 4 * (words) ? 1 : -1]
#endif

#endif  // BARISTA_INTERFACE_WORDS_H_
