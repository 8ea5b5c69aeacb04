// Includes UNIT_BODY, a file of kernels, once a compute unit, with UNIT set to its number.
//
// A compute unit is a set of kernels by name, NAME_0, NAME_1, ...: on a board two launches of one kernel run one after the other.
// Build-time parameter: COMPUTE_UNITS.
#define UNIT 0
#include UNIT_BODY
#undef UNIT
#if COMPUTE_UNITS > 1
#define UNIT 1
#include UNIT_BODY
#undef UNIT
#endif
#if COMPUTE_UNITS > 2
#define UNIT 2
#include UNIT_BODY
#undef UNIT
#endif
#if COMPUTE_UNITS > 3
#define UNIT 3
#include UNIT_BODY
#undef UNIT
#endif
#if COMPUTE_UNITS > 4
#error "COMPUTE_UNITS: each_unit.h names at most 4 units"
#endif
#undef UNIT_BODY
