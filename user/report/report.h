/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For people: an explanation as text. Prints what explain/ found; decides nothing and computes no times.
 *
 * All functions return 0, or a negative errno: why the stream refused, or -ENOMEM. The output depends on the
 * arguments alone: the report of a loaded recording is the report of the live run, byte by byte.
 */
#ifndef CONCPROF_REPORT_H
#define CONCPROF_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "explain/explain.h"

#define REPORT_WIDTH_DEFAULT 120

struct report_options {
	unsigned int width; /* columns; 0: REPORT_WIDTH_DEFAULT. Below 80 counts as 80 */
	bool colour;        /* escape sequences, for a terminal */
	bool all;           /* every thread, item and finding, instead of what fits one screen */
};

/*
 * The report of a run, or of a run beside the one it is compared with. before and comparison: both NULL or both given.
 * comparison refers to exactly these explanations.
 */
int report_runs(FILE *out, const struct explanation *before, const struct explanation *after, const struct comparison *comparison,
		const struct report_options *options);

/* One line of the suite's table. */
struct suite_row {
	const char *name;                      /* of the model */
	const char *stands_for;                /* the talk's system */
	const struct explanation *explanation; /* NULL: the model could not be run, see error */
	const struct comparison *comparison;   /* with its baseline; NULL for a baseline */
	const char *error;                     /* why there is no explanation; NULL if there is one */
	double talk_seconds;                   /* 0: the talk gives no figure */
	double talk_baseline_seconds;          /* of its baseline; 0: none, or it is one */
};

/* The talk's table, measured and explained: one line a model, in the given order. */
int report_suite(FILE *out, const struct suite_row *rows, size_t n_rows, const struct report_options *options);

/* Colours of cells: none, of the 256 of a terminal, or any. */
enum lanes_ink { LANES_PLAIN, LANES_256, LANES_TRUE };

struct lanes_options {
	unsigned int width; /* columns; 0: REPORT_WIDTH_DEFAULT. Below 80 counts as 80 */
	bool colour;        /* escape sequences, for a terminal */
	enum lanes_ink ink; /* of cells; only with `colour` */
	bool blocks;        /* with an ink: cells of several states are drawn with U+2581 to U+2587 */
	bool all;           /* a row for every thread */
	const char *thread; /* only threads in whose "name/tid" this occurs; NULL: all */
	uint32_t states;    /* bits 1 << enum state, to be emphasised; 0: all alike */
};

/*
 * Threads in time: a row each, a letter for each slice of time; all runs, which have timelines, on one scale. -ENOENT: of no run the filter let
 * a thread through.
 */
int report_lanes(FILE *out, const struct explanation *const *runs, size_t n_runs, const struct lanes_options *options);

#endif
