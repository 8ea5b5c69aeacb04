// What the host tells solver_update.cl: the rule by which a solver moves a parameter, and its constants.
//
// Plain C, compiled by kernels and host. One element's weight w, gradient d and
// histories h, k become:
//
//   g = scale * d + decay * (absolute ? sign(w) : w)      scale is smaller where gradients are clipped, see solver_update.cl
//
//   SGD       h = keep * h + rate * g                                          d = h
//   NESTEROV  h' = keep * h + rate * g                                         d = (1 + keep) * h' - keep * h
//   ADAGRAD   h = h + g * g                                                    d = rate * g / (sqrt(h) + delta)
//   RMSPROP   h = keep * h + (1 - keep) * g * g                                d = rate * g / (sqrt(h) + delta)
//   ADADELTA  h = keep * h + (1 - keep) * g * g, u = g * sqrt((k + delta) / (h + delta)), k = keep * k + (1 - keep) * u * u, d = rate * u
//   ADAM      h = keep * h + (1 - keep) * g, k = keep_squares * k + (1 - keep_squares) * g * g, d = rate * h / (sqrt(k) + delta)
//
//   w = w - d
#ifndef BARISTA_SOLVER_RULE_H_
#define BARISTA_SOLVER_RULE_H_

#include "interface/words.h"

enum { SOLVER_SGD, SOLVER_NESTEROV, SOLVER_ADAGRAD, SOLVER_RMSPROP, SOLVER_ADADELTA, SOLVER_ADAM };

typedef struct {
  int method;
  float scale;         // 1 / iter_size
  float largest_norm;  // clip_gradients; gradients are not clipped where it is negative
  float decay;
  int absolute;  // the decay is that of the sum of absolute values (L1), not of squares (L2)
  float rate;
  float keep, keep_squares;
  float delta;
} solver_rule;
INTERFACE_WORDS(solver_rule, 9);

#endif  // BARISTA_SOLVER_RULE_H_
