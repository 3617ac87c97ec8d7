/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of options that several verbs share, as argp children. Each verb owns its structs. */
#ifndef CONCPROF_OPTIONS_H
#define CONCPROF_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "cmd/part_options.h"
#include "models/models.h"
#include "trace/trace.h"

#define LOCKS_MAX 32

/* Default rate of samples: a prime near 1,000, so that it does not keep step with what happens every millisecond. */
#define SAMPLE_HZ_DEFAULT 997

/* What to do with what was measured. */
struct output_options {
	const char *recording;            /* -o; NULL: none */
	const char *json;                 /* --json; "-" is standard output; NULL: none */
	const char *locks[LOCKS_MAX + 1]; /* --lock; NULL-terminated */
	size_t n_locks;
	bool all;         /* --all */
	struct part part; /* --from, --to: of every run */
};

/* How to run a model. */
struct model_run_options {
	struct model_params params;
	unsigned int uses;     /* enum model_uses: which options the model has */
	unsigned int delay_us; /* --delay */
	char url[512];
};

extern const struct argp measure_argp; /* input: struct trace_options */
extern const struct argp window_argp;  /* the same: what part of a program that is not ours is measured */
extern const struct argp record_argp;  /* input: struct output_options */
extern const struct argp rules_argp;   /* input: struct output_options; --lock, --all */
extern const struct argp view_argp;    /* the same, and --json */
extern const struct argp model_argp;   /* input: struct model_run_options, with `uses` filled */

/*
 * argp_parse with the program's name as "concprof VERB", so that its messages say what was called. Returns 0; usage errors end the
 * program with status 2, --help with 0.
 */
void options_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, int *first, void *input);

#endif
