// All elementwise functions, forward and backward: activations, powers, sums, products and maxima of blobs, dropout, random numbers.
//
//   out[i] = function(a[i], b[i], c[i])
//
// a, b, c, out: STORAGE, the operands of elementwise_function.h, which says what each function makes of them. out may be any of them.
// Build-time parameters: LANES, FUNCTION_LANES, COMPUTE_UNITS, STORAGE, ACCUMULATE.
//
// Two kernels a compute unit, and not one a function: a board holds every kernel whether it runs or not, and each would bring four
// units of memory access and arithmetic of its own. Here every function is the same datapath, x * y + z behind another multiply-add
// (elementwise_*) or behind one logarithm, exponential, division and polynomial (transcendental_*); a function is the line that says
// what goes in. Forward and backward share it too, since they never run at once. The few functions that need a transcendental stay
// out of the pipeline of all others, so that a net of ReLUs could be given a bitstream without them.
//
// Initiation interval 1 of a loop over vectors of LANES or FUNCTION_LANES: nothing is carried from one step to the next. ivdep says so, in the place of
// `restrict`, which work in place would make untrue. An operand that is not read is a predicated load, and moves no data.
//
// Device cost a compute unit, estimated. elementwise_*: 3 loads and 1 store of LANES words, 2 * LANES multiply-adds and as many comparators,
// and for dropout LANES / 4 generators of 20 rounds, additions and exclusive ors of 32 bits and no multiplier (about 60 adders of 32 bits
// each). transcendental_*: 3 loads and 1 store of FUNCTION_LANES words, FUNCTION_LANES x (1 logarithm, 1 exponential, 1 divider, 11
// multiply-adds, adders or multipliers). No on-chip memory beyond the buffers of the access units. LANES words a cycle of each operand of
// the one, as fast as external memory, and FUNCTION_LANES of the other.
// What Intel's compiler makes of it has not been run.
// DSP blocks of elementwise_*: LANES * 2
// DSP blocks of transcendental_*: FUNCTION_LANES * (11 + 3 * FUNCTION)
#include "interface/elementwise_function.h"
#include "lanes.h"

inline accumulate_lanes elementwise_load(__global const storage* from, int valid, bool reads) {
  accumulate_lanes value = 0;
  if (reads) value = to_accumulate_lanes(load_lanes(from, valid));
  return value;
}

inline function_numbers transcendental_load(__global const storage* from, int valid, bool reads) {
  function_numbers value = 0;
  if (reads) value = to_function_numbers(load_functions(from, valid));
  return value;
}

// --- random words ---

// Blocks of Threefry-4x32 with 20 rounds, side by side: a counter-based generator (Salmon et al., Parallel random numbers: as
// easy as 1, 2, 3, SC 2011). Chosen before Philox because it has no multiplications, of which the array needs all that a device has.
#define THREEFRY_ROUND(left, right, turn_left, turn_right) \
  x0 += left;                                              \
  left = rotate(left, (elementwise_blocks)turn_left) ^ x0; \
  x2 += right;                                             \
  right = rotate(right, (elementwise_blocks)turn_right) ^ x2;
#define THREEFRY_KEY(n, k0, k1, k2, k3) \
  x0 += k0;                             \
  x1 += k1;                             \
  x2 += k2;                             \
  x3 += k3 + n##u;
#define THREEFRY_EVEN_ROUNDS     \
  THREEFRY_ROUND(x1, x3, 10, 26) \
  THREEFRY_ROUND(x3, x1, 11, 21) \
  THREEFRY_ROUND(x1, x3, 13, 27) \
  THREEFRY_ROUND(x3, x1, 23, 5)
#define THREEFRY_ODD_ROUNDS      \
  THREEFRY_ROUND(x1, x3, 6, 20)  \
  THREEFRY_ROUND(x3, x1, 17, 11) \
  THREEFRY_ROUND(x1, x3, 25, 10) \
  THREEFRY_ROUND(x3, x1, 18, 20)

// LANES / 4 blocks: the first word of each of their counters, and the words of all in their order.
#if LANES == 4
typedef uint elementwise_blocks;
#define ELEMENTWISE_BLOCKS 0
#define ELEMENTWISE_WORDS (uint4)(x0, x1, x2, x3)
#elif LANES == 8
typedef uint2 elementwise_blocks;
#define ELEMENTWISE_BLOCKS (uint2)(0, 1)
#define ELEMENTWISE_WORDS (uint8)(x0.s0, x1.s0, x2.s0, x3.s0, x0.s1, x1.s1, x2.s1, x3.s1)
#else
typedef uint4 elementwise_blocks;
#define ELEMENTWISE_BLOCKS (uint4)(0, 1, 2, 3)
#define ELEMENTWISE_WORDS \
  (uint16)(x0.s0, x1.s0, x2.s0, x3.s0, x0.s1, x1.s1, x2.s1, x3.s1, x0.s2, x1.s2, x2.s2, x3.s2, x0.s3, x1.s3, x2.s3, x3.s3)
#endif

// The words of elements LANES * vector .. LANES * vector + LANES - 1: element i has word i % 4 of block i / 4 under `key`.
inline uint_lanes elementwise_random(uint key, uint vector) {
  const uint parity = 0x1bd11bdau ^ key;  // the other three words of the key are 0, as are those of the counter
  elementwise_blocks x0 = LANES / 4 * vector + ELEMENTWISE_BLOCKS + key, x1 = 0, x2 = 0, x3 = 0;
  THREEFRY_EVEN_ROUNDS
  THREEFRY_KEY(1, 0, 0, 0, parity)
  THREEFRY_ODD_ROUNDS
  THREEFRY_KEY(2, 0, 0, parity, key)
  THREEFRY_EVEN_ROUNDS
  THREEFRY_KEY(3, 0, parity, key, 0)
  THREEFRY_ODD_ROUNDS
  THREEFRY_KEY(4, parity, key, 0, 0)
  THREEFRY_EVEN_ROUNDS
  THREEFRY_KEY(5, key, 0, 0, 0)
  return ELEMENTWISE_WORDS;
}

// --- one vector of each kind of function ---

// As std::max and std::min of stock Caffe, which give back a NaN.
#define ELEMENTWISE_POSITIVE(numbers, a) ((a) < (numbers)0 ? (numbers)0 : (a))
#define ELEMENTWISE_NEGATIVE(numbers, a) ((a) > (numbers)0 ? (numbers)0 : (a))

// (a > 0) + below * (a <= 0), as stock Caffe has it in gradients: 0 times what is not finite is NaN, wherever a is.
inline accumulate_lanes elementwise_slope(accumulate_lanes a, accumulate_lanes below) {
  const accumulate_lanes above = a > (accumulate_lanes)0 ? (accumulate_lanes)1 : (accumulate_lanes)0;
  return a <= (accumulate_lanes)0 ? below : (isfinite(below) ? above : (accumulate_lanes)NAN);
}

// As stock Caffe's std::max(low, std::min(a, high)), which makes `low` of a NaN.
inline accumulate_lanes elementwise_clipped(accumulate_lanes a, accumulate_lanes low, accumulate_lanes high) {
  const accumulate_lanes at_most = high < a ? high : a;
  return low < at_most ? at_most : low;
}

// first = p * q + r, and of that x * y + z.
inline accumulate_lanes elementwise_arithmetic(const elementwise_function f, accumulate_lanes a, accumulate_lanes b,
                                               accumulate_lanes c, accumulate slope, uint vector) {
  const accumulate_lanes zero = 0, one = 1;
  accumulate_lanes p = f.scale, q = a, r = f.shift;
  // clang-format off
  switch (f.function) {
    case ELEMENTWISE_PRODUCT: p = a, q = b, r = 0; break;
    case ELEMENTWISE_SUM: r = 0; break;
    case ELEMENTWISE_ELU_GRADIENT: p = 1, q = b; break;
    case ELEMENTWISE_SIGMOID_GRADIENT: p = -a, r = a; break;
    case ELEMENTWISE_TANH_GRADIENT: p = -a, r = 1; break;
    default: break;
  }
  // clang-format on
  const accumulate_lanes first = p * q + r;

  uint_lanes word = 0;
  if (f.function == ELEMENTWISE_DROPOUT || f.function == ELEMENTWISE_UNIFORM) word = elementwise_random(f.key, vector);

  accumulate_lanes x = c, y = first, z = 0;
  // clang-format off
  switch (f.function) {
    case ELEMENTWISE_CONSTANT: x = 0, y = 0, z = f.shift; break;
    case ELEMENTWISE_AFFINE: x = 1; break;
    case ELEMENTWISE_SQUARE: x = first; break;
    case ELEMENTWISE_PRODUCT: x = f.scale; break;
    case ELEMENTWISE_SUM: x = f.shift, y = b, z = first; break;
    case ELEMENTWISE_MAXIMUM: x = 1, y = a > b ? a : b; break;
    case ELEMENTWISE_LARGER: x = 1, y = a > b ? (accumulate_lanes)f.scale : (accumulate_lanes)f.shift; break;
    case ELEMENTWISE_WINNER: x = 1, y = a > b ? (accumulate_lanes)f.scale : c; break;
    case ELEMENTWISE_WON: x = 1, y = a == (accumulate_lanes)f.scale ? c : zero; break;
    case ELEMENTWISE_RELU: x = slope, y = ELEMENTWISE_NEGATIVE(accumulate_lanes, a), z = ELEMENTWISE_POSITIVE(accumulate_lanes, a); break;
    case ELEMENTWISE_RELU_GRADIENT: y = elementwise_slope(a, slope); break;
    case ELEMENTWISE_ABSOLUTE: x = 1, y = fabs(a); break;
    case ELEMENTWISE_ABSOLUTE_GRADIENT: y = a > zero ? one : (a < zero ? -one : zero); break;
    case ELEMENTWISE_THRESHOLD: x = 1, y = a > (accumulate_lanes)f.shift ? one : zero; break;
    case ELEMENTWISE_CLIP: x = 1, y = elementwise_clipped(a, f.scale, f.shift); break;
    case ELEMENTWISE_CLIP_GRADIENT: y = a >= (accumulate_lanes)f.scale && a <= (accumulate_lanes)f.shift ? one : zero; break;
    case ELEMENTWISE_ELU_GRADIENT: y = elementwise_slope(a, first); break;
    case ELEMENTWISE_DROPOUT: x = a, y = word >= (uint_lanes)f.drop_below ? (accumulate_lanes)f.scale : zero; break;
    case ELEMENTWISE_UNIFORM: x = f.scale, y = to_accumulate_lanes((word >> 8) + 1); break;
    default: break;  // c * first
  }
  // clang-format on
  return x * y + z;
}

// t^0 .. t^4 of tanh(t) / t for |t| <= 1/2, and of log((1 + t) / (1 - t)) / t for 0 <= t <= 1/3, both in powers of t * t: the
// polynomials with the least largest relative error, 1.3e-8 and 4.0e-9, a fifth of a unit in the last place and less.
#define ELEMENTWISE_CHOOSE(tanh_has, log_has) (function_numbers)(is_tanh ? (accumulate)(tanh_has) : (accumulate)(log_has))
inline function_numbers elementwise_polynomial(bool is_tanh, function_numbers t) {
  const function_numbers square = t * t;
  function_numbers sum = ELEMENTWISE_CHOOSE(0.017135007f, 0.28178334f);
  sum = sum * square + ELEMENTWISE_CHOOSE(-0.052986074f, 0.27960601f);
  sum = sum * square + ELEMENTWISE_CHOOSE(0.13324779f, 0.40024909f);
  sum = sum * square + ELEMENTWISE_CHOOSE(-0.33333069f, 0.66666317f);
  sum = sum * square + ELEMENTWISE_CHOOSE(1.0f, 2.0f);
  return sum;
}

// A power is exp(factor * log|u|), with the sign that the parity of the exponent gives it; a negative u has none but to a whole one. Minus
// infinity has, as in pow().
inline function_numbers elementwise_base(int parity, function_numbers u) {
  const function_numbers infinity = INFINITY, of_no_integer = u == -infinity ? infinity : u;
  return parity == ELEMENTWISE_NO_INTEGER ? of_no_integer : fabs(u);
}

// In this order: u, logarithm, product, exponential, sum, quotient, sum or polynomial, x * y + z. What a function does not need is not
// computed where that is a processor's time; on an FPGA all of it is one pipeline.
inline function_numbers elementwise_transcendental(const elementwise_function f, function_numbers a, function_numbers b,
                                                   function_numbers c) {
  const function_numbers zero = 0;
  const bool is_tanh = f.function == ELEMENTWISE_TANH;
  const function_numbers u = f.scale * a + f.shift;

  function_numbers logarithm = 0;
  if (f.function == ELEMENTWISE_LOG || f.function == ELEMENTWISE_POWER)
    logarithm = log(f.function == ELEMENTWISE_POWER ? elementwise_base(f.parity, u) : u);

  // Of a power, its exponential's argument; of a Swish, beta * dst.
  const function_numbers product = f.factor * (f.function == ELEMENTWISE_POWER ? logarithm : b);

  function_numbers exponent = u;
  bool has_exponential = true;
  // clang-format off
  switch (f.function) {
    case ELEMENTWISE_ELU: exponent = ELEMENTWISE_NEGATIVE(function_numbers, u); break;
    case ELEMENTWISE_BNLL: exponent = -fabs(u); break;
    case ELEMENTWISE_POWER: exponent = product; break;
    case ELEMENTWISE_LOG:
    case ELEMENTWISE_QUOTIENT:
    case ELEMENTWISE_NEGATIVE_QUOTIENT:
    case ELEMENTWISE_INVERSE: has_exponential = false; break;
    default: break;
  }
  // clang-format on
  function_numbers e = 0;
  if (has_exponential) e = exp(exponent);

  // log(1 + e) is 2 * atanh(e / (2 + e)), which is right where 1 + e would round e away. A Swish's gradient has 1 - product of the same
  // adder.
  const bool is_bnll = f.function == ELEMENTWISE_BNLL;
  const function_numbers sum = (function_numbers)(is_bnll ? 2 : 1) + (is_bnll ? e : -product);
  function_numbers numerator = 1, denominator = 1 + e;
  bool has_quotient = true;
  // clang-format off
  switch (f.function) {
    case ELEMENTWISE_TANH: numerator = 2; break;
    case ELEMENTWISE_BNLL: numerator = e, denominator = sum; break;
    case ELEMENTWISE_QUOTIENT:
    case ELEMENTWISE_NEGATIVE_QUOTIENT: numerator = b, denominator = u; break;
    case ELEMENTWISE_INVERSE: numerator = f.factor, denominator = u; break;
    case ELEMENTWISE_BNLL_GRADIENT: numerator = c; break;
    case ELEMENTWISE_SWISH: numerator = a; break;
    case ELEMENTWISE_SWISH_GRADIENT: numerator = sum; break;
    case ELEMENTWISE_SIGMOID: break;
    default: has_quotient = false; break;
  }
  function_numbers quotient = 0;
  if (has_quotient) quotient = numerator / denominator;

  const bool is_elu = f.function == ELEMENTWISE_ELU;
  const function_numbers last_sum = (is_elu ? e : quotient) + (is_elu ? (function_numbers)-1 : product);
  // Near 0, 1 - 2 / (1 + e) would lose the digits of a hyperbolic tangent.
  function_numbers polynomial = 0;
  if (is_tanh || is_bnll) polynomial = elementwise_polynomial(is_tanh, is_tanh ? a : quotient);
  const function_ints near_zero = fabs(a) < (function_numbers)0.5f;

  function_numbers x = f.factor, y = e, z = 0;
  // clang-format off
  switch (f.function) {
    case ELEMENTWISE_TANH: x = near_zero ? a : -quotient, y = near_zero ? polynomial : 1, z = near_zero ? zero : 1; break;
    case ELEMENTWISE_ELU: y = last_sum, z = ELEMENTWISE_POSITIVE(function_numbers, u); break;
    case ELEMENTWISE_LOG: y = logarithm; break;
    case ELEMENTWISE_POWER: x = 1, y = f.parity == ELEMENTWISE_ODD ? copysign(e, u) : e; break;
    case ELEMENTWISE_BNLL: x = quotient, y = polynomial, z = ELEMENTWISE_POSITIVE(function_numbers, u); break;
    case ELEMENTWISE_QUOTIENT:
    case ELEMENTWISE_INVERSE: x = c, y = quotient; break;
    case ELEMENTWISE_NEGATIVE_QUOTIENT: x = -c, y = quotient; break;
    case ELEMENTWISE_SWISH_GRADIENT: x = c, y = last_sum; break;
    case ELEMENTWISE_SIGMOID:
    case ELEMENTWISE_SWISH:
    case ELEMENTWISE_BNLL_GRADIENT: x = 1, y = quotient; break;
    default: break;  // factor * e
  }
  // clang-format on
  return x * y + z;
}

#define UNIT_BODY "elementwise_unit.h"
#include "each_unit.h"
