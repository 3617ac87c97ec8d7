/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tools: one file per format behind one struct. An exporter formats; it computes no times.
 *
 * To add a format: write user/export/NAME.c with a `const struct exporter exporter_NAME`, declare it in exporters.c and give it a
 * line in the table there. Help, completion and tests read that table.
 */
#ifndef CONCPROF_EXPORT_H
#define CONCPROF_EXPORT_H

#include <stddef.h>
#include <stdio.h>

#include "explain/explain.h"

struct export_input {
	const struct host *host;
	const struct explanation *const *runs; /* the baseline comes first */
	size_t n_runs;
	const struct comparison *const *comparisons; /* between some of these runs; the first is "the" comparison */
	size_t n_comparisons;
};

struct exporter {
	const char *name;      /* as in `export -f NAME` */
	const char *gloss;     /* one line */
	const char *extension; /* without the dot */
	/* 0, or why the stream refused as a negative errno (-ENOSPC: the disk is full). Does not close the stream. */
	int (*write)(FILE *out, const struct export_input *input);
};

extern const struct exporter exporter_json;
extern const struct exporter *const exporters[]; /* NULL-terminated */

const struct exporter *exporter_find(const char *name); /* NULL if there is none */

#endif
