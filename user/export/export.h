/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tools: one file per format behind one struct. An exporter formats; it computes no times.
 *
 * To add a format: write user/export/NAME.c with a `const struct exporter exporter_NAME`, and give it a place in EXPORTERS below.
 * Help, completion and tests read that list. If it is made of protobuf messages, user/export/NAME.proto says which: NAME.pb-c.h is
 * generated from it.
 */
#ifndef CONCPROF_EXPORT_H
#define CONCPROF_EXPORT_H

#include <stddef.h>
#include <stdio.h>

#include "explain/explain.h"

/* What stands at the root of stacks, in the order of their names in export_by_name[]. */
enum export_by {
	EXPORT_BY_DEFAULT, /* threads; of more than EXPORT_ROOTS_MAX processes; of more than that names of processes */
	EXPORT_BY_THREAD,
	EXPORT_BY_PROCESS,
	EXPORT_BY_NAME,  /* processes of the same name together */
	EXPORT_BY_CAUSE, /* the state and what was waited for */
	EXPORT_BY_NONE,
	EXPORT_BY_COUNT
};
#define EXPORT_ROOTS_MAX 50
extern const char *const export_by_name[EXPORT_BY_COUNT]; /* "" for the default */

#define EXPORT_WIDTH_DEFAULT 1200
#define EXPORT_WIDTH_MIN     300
#define EXPORT_WIDTH_MAX     20000

/* For formats that show stacks; the others ignore it. All zero: everything. */
struct export_options {
	uint32_t states; /* bits 1 << enum state; 0: all */
	enum export_by by;
	bool by_before;               /* of a difference: widths are the first run's times, not the last's */
	unsigned int width;           /* of a picture, in pixels; 0: EXPORT_WIDTH_DEFAULT */
	const char *title;            /* of a picture; NULL: the command */
	const char *thread;           /* of lanes: only threads in whose "name/tid" this occurs; NULL: all */
	bool all;                     /* of lanes: a row for every thread */
	struct explain_options rules; /* those that the runs were explained with */
};

struct export_input {
	const struct host *host;
	const struct explanation *const *runs; /* the baseline comes first */
	size_t n_runs;
	const struct comparison *const *comparisons; /* between some of these runs; the first is "the" comparison */
	size_t n_comparisons;
	const struct export_options *options; /* NULL: all zero */
};

struct exporter {
	const char *name;      /* as in `export -f NAME` */
	const char *gloss;     /* one line */
	const char *extension; /* without the first dot */
	bool one_run;          /* shows the last of the runs alone */
	bool timeline;         /* shows the run in time, of one run */
	/*
	 * 0, or a negative errno: why the stream refused (-ENOSPC: the disk is full); -ENOMEM; -ENODATA when there is no run to show; -ENOTSUP
	 * when that would take a timeline, which no run has; -ENOENT when options leave nothing to show;
	 * -E2BIG when stacks are more than any program's (flame_tree.h). Does not close the stream.
	 */
	int (*write)(FILE *out, const struct export_input *input);
};

#define EXPORTERS(X) X(json) X(folded) X(svg) X(lanes) X(html) X(speedscope) X(pprof) X(perfetto) X(chrome) X(csv)

#define DECLARE_EXPORTER(name) extern const struct exporter exporter_##name;
EXPORTERS(DECLARE_EXPORTER)
#undef DECLARE_EXPORTER
extern const struct exporter *const exporters[]; /* NULL-terminated */

/* Of two runs, the first and the last: `compare` calls them. -ENODATA when there are not two. */
extern const struct exporter exporter_svg_diff, exporter_folded_diff;

const struct exporter *exporter_find(const char *name); /* NULL if there is none */

/*
 * Which states are meant: "wall" (all), "on-cpu", "off-cpu" (all others, the run queue included: on-cpu and off-cpu make up wall), names
 * of states, or several of these with commas between them. False if something else stands there.
 */
bool export_states_parse(const char *text, uint32_t *states);
/* The same in words, for a title: "wall-clock", "on-CPU", "off-CPU", a state's name, else "selected states". */
const char *export_states_words(uint32_t states);

#endif
