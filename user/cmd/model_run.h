/* SPDX-License-Identifier: Apache-2.0 */
/* Running a built-in model as a program of its own: concprof calls itself, under measurement. */
#ifndef CONCPROF_MODEL_RUN_H
#define CONCPROF_MODEL_RUN_H

#include "cmd/options.h"
#include "models/models.h"
#include "profile/run.h"
#include "trace/trace.h"

/* The cat server for the models that need one and were not told of another. */
struct cats {
	struct cat_server_process server;
	bool started;
};

/* Starts the server if `uses` says so and no --url was given; fills options->params.url. 0 or a negative errno with `error`. */
int cats_start(struct cats *cats, struct model_run_options *options, char *error, size_t error_bytes);
void cats_stop(struct cats *cats);

/*
 * Runs the model in a process of its own and measures it. The run has the model's ledger, and its failure if it failed. 0 or a negative
 * errno with `error` (TRACE_ERROR_BYTES).
 */
int model_run(const struct model *model, const struct model_run_options *options, const struct trace_options *trace,
	      struct run **ret, char *error);
/* The same without measuring; *failure is NULL or says why the model failed (owned by the caller). */
int model_run_untraced(const struct model *model, const struct model_run_options *options, uint64_t *wall_ns, char **failure,
		       char *error);

#endif
