// The loop nest that the PE array runs over a tile: MULTIPLY_LOOPS loops, each with its steps in x, acc and vec.
#ifndef BARISTA_PLAN_LOOP_NEST_HPP_
#define BARISTA_PLAN_LOOP_NEST_HPP_

#include <vector>

#include "interface/multiply_descriptor.h"
#include "plan/recipe.hpp"

namespace barista::plan {

// A loop, and how far an iteration of it moves in each on-chip memory, in words.
struct Loop {
  int count, x, acc, vec;
};

// Writes `loops`, outermost first, into `d`: loops of one iteration are left out, and neighbours that walk one straight line become
// one. False if more remain than a descriptor has.
bool write_loops(const std::vector<Loop>& loops, multiply_descriptor& d);

// Writes a nest of loops over accumulators and loops over the terms of their sums. The loops over accumulators are each cut in two,
// an inner part and an outer one around the loops over terms, so that at least recipe.acc_distance iterations lie between two
// updates of an accumulator. That is all that a board asks for, where any such nest takes the same time. In emulation, a core's
// nearest cache should hold what the inner parts go over, so those are chosen for which an estimate of lost cycles is least. False
// if no nest does, or none has as few loops as a descriptor.
bool write_nest(const Recipe& recipe, const std::vector<Loop>& accumulators, const std::vector<Loop>& terms,
                multiply_descriptor& d);

// What a descriptor's loop nest touches, counted by running it.
struct NestReport {
  int steps;
  int revisit_distance;               // the fewest iterations between two updates of an accumulator; INT_MAX if each has but one
  int x_words, vec_words, acc_words;  // one beyond the last word used
};
NestReport run_nest(const multiply_descriptor& descriptor);

}  // namespace barista::plan

#endif  // BARISTA_PLAN_LOOP_NEST_HPP_
