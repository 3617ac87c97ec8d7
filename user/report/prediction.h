/* SPDX-License-Identifier: Apache-2.0 */
/* For people: a prediction as text. */
#ifndef CONCPROF_REPORT_PREDICTION_H
#define CONCPROF_REPORT_PREDICTION_H

#include "explain/predict.h"
#include "report/report.h"

/* Of one that was not refused. 0, or a negative errno as of report_runs(). */
int report_prediction(FILE *out, const struct prediction *prediction, const struct report_options *options);

#endif
