/* SPDX-License-Identifier: Apache-2.0 */
/* Options of verbs that show stacks, as an argp child. */
#ifndef CONCPROF_STACK_OPTIONS_H
#define CONCPROF_STACK_OPTIONS_H

#include "cmd/options.h"
#include "export/export.h"

struct stack_options {
	struct export_options shown;
	struct output_options *output; /* gets what --lock says; set before parsing */
};

extern const struct argp stack_argp; /* input: struct stack_options */
extern const struct argp shown_argp; /* input: struct export_options; the same without --lock */

/*
 * Writes the exporter's form of the runs to `path` ("-": standard output). 0 or STATUS_FAILED, after it said what failed. `output`
 * holds the rules that the runs were explained with.
 */
int stack_export(const struct exporter *exporter, struct export_input *input, const struct stack_options *options,
		 const char *path);

#endif
