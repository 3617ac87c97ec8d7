/* SPDX-License-Identifier: Apache-2.0 */
/* A prediction for programs: {"schema":1,"version":S,"run":S,"prediction":{...}}. Fields may be added; none changes its meaning. */
#ifndef CONCPROF_EXPORT_PREDICTION_H
#define CONCPROF_EXPORT_PREDICTION_H

#include <stdio.h>

#include "explain/predict.h"

struct prediction_output {
	const struct host *host;
	const char *run; /* its name */
	const struct prediction *prediction;
};

/* 0, or why the stream refused. One that was refused has the reason in "refused" and no figures. */
int export_prediction(FILE *out, const struct prediction_output *output);

#endif
