// What the host tells the kernel of BatchNorm's statistics. Plain C, compiled by kernels and host.
#ifndef BARISTA_BATCH_NORM_RULE_H_
#define BARISTA_BATCH_NORM_RULE_H_

#include "interface/words.h"

typedef struct {
  int channels;
  int takes_moving;  // 1: normalise by the moving statistics; 0: by the batch's, which then go into the moving ones
  float fraction;    // of the moving statistics that stays
  float correction;  // of the batch's variance: values / (values - 1)
  float eps;
} batch_norm_rule;
INTERFACE_WORDS(batch_norm_rule, 5);

#endif  // BARISTA_BATCH_NORM_RULE_H_
