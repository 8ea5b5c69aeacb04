// What the host tells the elementwise kernels: the function, its constants, the operands that it reads, and the elements.
//
// Plain C, compiled by kernels and host. a, b and c are the operands of one
// element, u = scale * a + shift. Functions up to ELEMENTWISE_LAST_ARITHMETIC run on the kernels elementwise_*, those after it on
// transcendental_*.
#ifndef BARISTA_ELEMENTWISE_FUNCTION_H_
#define BARISTA_ELEMENTWISE_FUNCTION_H_

#include "interface/words.h"

enum {
  ELEMENTWISE_CONSTANT,           // shift
  ELEMENTWISE_AFFINE,             // u
  ELEMENTWISE_SQUARE,             // u * u
  ELEMENTWISE_PRODUCT,            // scale * (a * b)
  ELEMENTWISE_AFFINE_PRODUCT,     // c * u
  ELEMENTWISE_SUM,                // scale * a + shift * b
  ELEMENTWISE_MAXIMUM,            // a > b ? a : b
  ELEMENTWISE_LARGER,             // a > b ? scale : shift
  ELEMENTWISE_WINNER,             // a > b ? scale : c
  ELEMENTWISE_WON,                // a == scale ? c : 0
  ELEMENTWISE_RELU,               // max(a, 0) + slope * min(a, 0)
  ELEMENTWISE_RELU_GRADIENT,      // c * ((a > 0) + slope * (a <= 0))
  ELEMENTWISE_ABSOLUTE,           // |a|
  ELEMENTWISE_ABSOLUTE_GRADIENT,  // c * sign(a)
  ELEMENTWISE_THRESHOLD,          // a > shift ? 1 : 0
  ELEMENTWISE_CLIP,               // max(scale, min(a, shift)), and scale where a is NaN
  ELEMENTWISE_CLIP_GRADIENT,      // scale <= a <= shift ? c : 0
  ELEMENTWISE_ELU_GRADIENT,       // c * ((a > 0) + (b + shift) * (a <= 0))
  ELEMENTWISE_SIGMOID_GRADIENT,   // c * (a - a * a)
  ELEMENTWISE_TANH_GRADIENT,      // c * (1 - a * a)
  ELEMENTWISE_DROPOUT,            // a * (the element's random word >= drop_below ? scale : 0)
  ELEMENTWISE_UNIFORM,            // scale * (1 + the high 24 bits of the element's random word), so from scale to 2^24 * scale
  ELEMENTWISE_LAST_ARITHMETIC = ELEMENTWISE_UNIFORM,
  ELEMENTWISE_SIGMOID,            // 1 / (1 + exp(u))
  ELEMENTWISE_TANH,               // 1 - 2 / (1 + exp(u)), which needs u = 2 * a
  ELEMENTWISE_ELU,                // max(a, 0) + factor * (exp(min(a, 0)) - 1)
  ELEMENTWISE_EXP,                // factor * exp(u)
  ELEMENTWISE_LOG,                // factor * log(u)
  ELEMENTWISE_POWER,              // u to the power of factor
  ELEMENTWISE_BNLL,               // log(1 + exp(a))
  ELEMENTWISE_QUOTIENT,           // c * (b / u)
  ELEMENTWISE_NEGATIVE_QUOTIENT,  // -c * (b / u)
  ELEMENTWISE_INVERSE,            // c * (factor / u)
  ELEMENTWISE_BNLL_GRADIENT,      // c / (1 + exp(u))
  ELEMENTWISE_SWISH,              // a / (1 + exp(u))
  ELEMENTWISE_SWISH_GRADIENT      // c * (factor * b + (1 - factor * b) / (1 + exp(u)))
};

enum { ELEMENTWISE_READS_A = 1, ELEMENTWISE_READS_B = 2, ELEMENTWISE_READS_C = 4, ELEMENTWISE_READS_SLOPES = 8 };

enum { ELEMENTWISE_NO_INTEGER, ELEMENTWISE_EVEN, ELEMENTWISE_ODD };  // what kind of number a power's exponent is

typedef struct {
  int function;
  int reads;  // ELEMENTWISE_READS_*; an operand that is not read is 0
  float scale, shift, factor, slope;
  int parity;  // of factor, for ELEMENTWISE_POWER
  unsigned int key, drop_below;
} elementwise_function;
INTERFACE_WORDS(elementwise_function, 9);

// Elements begin .. end of each of the planes; plane p has the slope of channel p % channels.
typedef struct {
  int plane_begin, plane_end;
  int plane_elements;
  int begin, end;
  int channels;
  int base;  // elements before the first plane
} elementwise_range;
INTERFACE_WORDS(elementwise_range, 7);

#endif  // BARISTA_ELEMENTWISE_FUNCTION_H_
