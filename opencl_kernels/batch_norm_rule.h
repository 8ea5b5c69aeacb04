// What the host tells the kernel of BatchNorm's statistics. Included by batch_norm.cl and caffe_layers/ops/batch_norm.cpp, so it is plain C.
#ifndef BARISTA_BATCH_NORM_RULE_H_
#define BARISTA_BATCH_NORM_RULE_H_

typedef struct {
  int channels;
  int takes_moving;  // 1: normalise by the moving statistics; 0: by the batch's, which then go into the moving ones
  float fraction;    // of the moving statistics that stays
  float correction;  // of the batch's variance: values / (values - 1)
  float eps;
} batch_norm_rule;

#endif  // BARISTA_BATCH_NORM_RULE_H_
